// Files as answers: names that stay inside, types, conditions, ranges.
#include "http/static_files.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace sluice;
using namespace sluice::http;

namespace {

class Text final : public Resource {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  std::uint64_t size() const override { return text_.size(); }
  std::size_t read_at(std::uint64_t offset, MutableBytes into) override {
    return text_.copy(reinterpret_cast<char*>(into.data()), into.size(), static_cast<std::size_t>(offset));
  }

 private:
  std::string text_;
};

/// A tree in memory that remembers what it was asked for.
class Tree final : public FileSource {
 public:
  Found open(std::string_view path) override {
    asked = path;
    CHECK(path.find("..") == path.npos);
    if (path == "secret") return {Kind::forbidden, nullptr, 0};
    const auto file = files.find(std::string(path));
    if (file != files.end()) {
      const auto own = times.find(file->first);
      return {Kind::file, std::make_unique<Text>(file->second), own == times.end() ? modified : own->second};
    }
    const bool directory = files.lower_bound(std::string(path) + "/") != files.end() &&
                           files.lower_bound(std::string(path) + "/")->first.starts_with(std::string(path) + "/");
    return {directory ? Kind::directory : Kind::missing, nullptr, 0};
  }

  std::map<std::string, std::string> files = {{"index.html", "<root>"},
                                              {"a/index.html", "<a>"},
                                              {"a b.txt", "space"},
                                              {"b/x.bin", "0123456789"},
                                              {"empty", ""}};
  std::map<std::string, std::int64_t> times;  ///< in place of `modified`
  std::int64_t modified = 784111777'000'000'001;
  std::string asked = "(nothing)";
};

struct Got {
  int status = 0;
  Fields fields;
  std::string body;
  std::uint64_t size = 0;
  std::string field(std::string_view name) const { return std::string(fields.find(name).value_or("(none)")); }
};

Got get(Tree& tree, std::string target, Fields fields = {}, std::string method = "GET",
        const StaticSettings& settings = {}) {
  Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.fields = std::move(fields);
  Answer answer = serve_file(request, tree, settings);
  Got got{answer.response.status, answer.response.fields, {}, body_size(answer.body).value_or(0)};
  if (auto* part = std::get_if<ResourceBody>(&answer.body)) {
    got.body.resize(static_cast<std::size_t>(part->size));
    const MutableBytes into(reinterpret_cast<std::uint8_t*>(got.body.data()), got.body.size());
    CHECK(part->resource->read_at(part->offset, into) == got.body.size());
  } else if (auto* text = std::get_if<std::string>(&answer.body)) {
    got.body = *text;
  }
  return got;
}

Fields with(std::string name, std::string value) {
  Fields fields;
  fields.add(std::move(name), std::move(value));
  return fields;
}

Got get_range(Tree& tree, std::string range) { return get(tree, "/b/x.bin", with("Range", std::move(range))); }

}  // namespace

TEST_CASE("a file comes with its type, its time and its tag") {
  Tree tree;
  const Got got = get(tree, "/b/x.bin?query");
  CHECK(got.status == 200);
  CHECK(got.body == "0123456789");
  CHECK(got.field("Content-Type") == "application/octet-stream");
  CHECK(got.field("Last-Modified") == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(got.field("Accept-Ranges") == "bytes");
  const std::string tag = got.field("ETag");
  CHECK(tag.front() == '"');
  CHECK(tag.back() == '"');
  tree.modified += 1;
  CHECK(get(tree, "/b/x.bin").field("ETag") != tag);
}

TEST_CASE("names are decoded once, and the root is its index") {
  Tree tree;
  CHECK(get(tree, "/a%20b.txt").body == "space");
  CHECK(get(tree, "/a%2520b.txt").status == 404);
  CHECK(get(tree, "/").body == "<root>");
  CHECK(get(tree, "http://h/").body == "<root>");
  CHECK(get(tree, "/empty").status == 200);
}

TEST_CASE("a directory is its index.html, and without slash a 301 to the name with one") {
  Tree tree;
  CHECK(get(tree, "/a/").body == "<a>");
  const Got got = get(tree, "/a?q=1");
  CHECK(got.status == 301);
  CHECK(got.field("Location") == "/a/?q=1");
  CHECK(get(tree, "http://h/a").field("Location") == "/a/");
  CHECK(get(tree, "/b/").status == 404);
  CHECK(get(tree, "/missing").status == 404);
  CHECK(get(tree, "/secret").status == 403);
  tree.files["c/index.html/deep"] = "x";
  CHECK(get(tree, "/c/").status == 404);
}

TEST_CASE("no path leads out of the root or to a second name of a file") {
  struct Case {
    const char* target;
    int status;
  };
  for (const Case& c : {Case{"/..", 403},
                        Case{"/../etc/passwd", 403},
                        Case{"/a/../../x", 403},
                        Case{"/a/../index.html", 403},
                        Case{"/%2e%2e/x", 403},
                        Case{"/.%2E/x", 403},
                        Case{"/a/%2e%2e%2fx", 400},
                        Case{"/..%2fx", 400},
                        Case{"/..%5cx", 400},
                        Case{"/..\\x", 400},
                        Case{"/a%00.html", 400},
                        Case{"/%", 400},
                        Case{"*", 400},
                        Case{"//evil.org/", 404},
                        Case{"//", 404},
                        Case{"/a//index.html", 404},
                        Case{"/./a", 404},
                        Case{"/%2e/", 404},
                        Case{"/a/.", 404},
                        Case{"http://h/../x", 403}}) {
    CAPTURE(c.target);
    Tree tree;
    CHECK(get(tree, c.target).status == c.status);
    CHECK(tree.asked == "(nothing)");
  }
  Tree tree;
  tree.files["..x"] = "fine";
  CHECK(get(tree, "/%252e%252e/x").status == 404);
}

TEST_CASE("only GET, HEAD and OPTIONS are answered [RFC 9110 9.1, 10.2.1]") {
  Tree tree;
  const Got head = get(tree, "/b/x.bin", {}, "HEAD");
  CHECK(head.status == 200);
  CHECK(head.size == 10);
  const Got options = get(tree, "*", {}, "OPTIONS");
  CHECK(options.status == 204);
  CHECK(options.field("Allow") == "GET, HEAD, OPTIONS");
  for (const char* method : {"POST", "PUT", "DELETE", "BREW", "get"}) {
    const Got got = get(tree, "/", {}, method);
    CHECK(got.status == 405);
    CHECK(got.field("Allow") == "GET, HEAD, OPTIONS");
    CHECK(got.body == "405 Method Not Allowed\n");
  }
}

TEST_CASE("what the client has already is 304 [RFC 9110 13.1.2, 13.1.3]") {
  Tree tree;
  const std::string tag = get(tree, "/").field("ETag");
  for (const std::string& list : {tag, "W/" + tag, "\"x\", " + tag, std::string("*")}) {
    const Got got = get(tree, "/", with("If-None-Match", list));
    CHECK(got.status == 304);
    CHECK(got.size == 0);
    CHECK(got.field("ETag") == tag);
  }
  CHECK(get(tree, "/", with("If-None-Match", "\"x\"")).status == 200);
  CHECK(get(tree, "/", with("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")).status == 304);
  CHECK(get(tree, "/", with("If-Modified-Since", "Sun, 06 Nov 1994 08:49:38 GMT")).status == 304);
  CHECK(get(tree, "/", with("If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT")).status == 200);
  CHECK(get(tree, "/", with("If-Modified-Since", "yesterday")).status == 200);
  Fields both = with("If-None-Match", "\"x\"");
  both.add("If-Modified-Since", "Sun, 06 Nov 1994 08:49:38 GMT");
  CHECK(get(tree, "/", both).status == 200);
}

TEST_CASE("one range is 206 with its place [RFC 9110 14]") {
  Tree tree;
  struct Case {
    const char* range;
    const char* body;
    const char* place;
  };
  for (const Case& c : {Case{"bytes=0-0", "0", "bytes 0-0/10"}, Case{"bytes=2-4", "234", "bytes 2-4/10"},
                        Case{"bytes=7-", "789", "bytes 7-9/10"}, Case{"bytes=-3", "789", "bytes 7-9/10"},
                        Case{"bytes=-99", "0123456789", "bytes 0-9/10"}, Case{"bytes=8-99", "89", "bytes 8-9/10"},
                        Case{"Bytes= 0-1 ", "01", "bytes 0-1/10"}}) {
    CAPTURE(c.range);
    const Got got = get_range(tree, c.range);
    CHECK(got.status == 206);
    CHECK(got.body == c.body);
    CHECK(got.field("Content-Range") == c.place);
  }
}

TEST_CASE("a range beyond the file is 416 with its size [RFC 9110 15.5.17]") {
  Tree tree;
  for (const char* range : {"bytes=10-", "bytes=10-11", "bytes=-0", "bytes=99999-"}) {
    const Got got = get_range(tree, range);
    CHECK(got.status == 416);
    CHECK(got.field("Content-Range") == "bytes */10");
  }
  CHECK(get(tree, "/empty", with("Range", "bytes=0-")).status == 416);
  CHECK(get(tree, "/empty", with("Range", "bytes=-1")).status == 416);
}

TEST_CASE("ranges that are several, odd or of another unit are passed over [RFC 9110 14.2]") {
  Tree tree;
  for (const char* range : {"bytes=0-1,3-4", "bytes=4-2", "bytes=a-b", "bytes=-", "bytes=", "bytes=5", "lines=0-1",
                            "0-1", "bytes=0-99999999999999999999", "bytes=--1", "bytes=1-2-3"}) {
    CAPTURE(range);
    CHECK(get_range(tree, range).status == 200);
  }
  CHECK(get(tree, "/b/x.bin", with("Range", "bytes=0-1"), "HEAD").status == 200);
}

TEST_CASE("If-Range lets a part through only of the same file [RFC 9110 13.1.5]") {
  Tree tree;
  const std::string tag = get(tree, "/b/x.bin").field("ETag");
  const auto ask = [&](const std::string& condition) {
    Fields fields = with("Range", "bytes=0-1");
    fields.add("If-Range", condition);
    return get(tree, "/b/x.bin", fields).status;
  };
  CHECK(ask(tag) == 206);
  CHECK(ask("\"x\"") == 200);
  CHECK(ask("W/" + tag) == 200);
  CHECK(ask("Sun, 06 Nov 1994 08:49:37 GMT") == 206);
  CHECK(ask("Sun, 06 Nov 1994 08:49:38 GMT") == 200);
}

TEST_CASE(
    "If-Match and If-Unmodified-Since fail as 412, by strong comparison and exact second [RFC 9110 13.1.1, 13.1.4]") {
  Tree tree;
  const std::string tag = get(tree, "/").field("ETag");
  const auto ask = [&](const char* name, const std::string& value) { return get(tree, "/", with(name, value)).status; };
  CHECK(ask("If-Match", tag) == 200);
  CHECK(ask("If-Match", "\"x\", " + tag) == 200);
  CHECK(ask("If-Match", "*") == 200);
  CHECK(ask("If-Match", "W/" + tag) == 412);
  CHECK(ask("If-Match", "\"x\"") == 412);
  CHECK(ask("If-Match", "") == 412);
  CHECK(ask("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT") == 200);
  CHECK(ask("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT") == 412);
  CHECK(ask("If-Unmodified-Since", "yesterday") == 200);
  CHECK(get(tree, "/none", with("If-Match", "\"x\"")).status == 404);
}

TEST_CASE("conditions are judged in their order [RFC 9110 13.2.2]") {
  Tree tree;
  const std::string tag = get(tree, "/b/x.bin").field("ETag");
  const std::string before = "Sun, 06 Nov 1994 08:49:36 GMT", after = "Sun, 06 Nov 1994 08:49:38 GMT";
  const auto ask = [&](std::initializer_list<Field> list) {
    Fields fields = with("Range", "bytes=0-1");
    for (const Field& field : list) fields.add(field.name, field.value);
    return get(tree, "/b/x.bin", fields).status;
  };
  CHECK(ask({{"If-Match", tag}, {"If-Unmodified-Since", before}}) == 206);
  CHECK(ask({{"If-Match", "\"x\""}, {"If-None-Match", tag}}) == 412);
  CHECK(ask({{"If-Unmodified-Since", before}, {"If-None-Match", tag}}) == 412);
  CHECK(ask({{"If-Match", tag}, {"If-None-Match", tag}}) == 304);
  CHECK(ask({{"If-None-Match", "\"x\""}, {"If-Modified-Since", after}}) == 206);
  CHECK(ask({{"If-Range", "\"x\""}, {"If-None-Match", tag}}) == 304);
  CHECK(ask({{"If-Range", "\"x\""}, {"If-Match", tag}}) == 200);
}

TEST_CASE("a compressed file goes to those who accept it, with a tag of its own [RFC 9110 8.8.3.3, 12.5.3]") {
  Tree tree;
  tree.files["index.html.gz"] = "gzipped";
  tree.files["index.html.br"] = "brotli";
  const auto ask = [&](const char* accept) { return get(tree, "/", with("Accept-Encoding", accept)); };
  const Got plain = get(tree, "/");
  CHECK(plain.body == "<root>");
  CHECK(plain.field("Vary") == "Accept-Encoding");
  CHECK(plain.field("Content-Encoding") == "(none)");
  const Got gzip = ask("gzip, deflate");
  CHECK(gzip.body == "gzipped");
  CHECK(gzip.field("Content-Encoding") == "gzip");
  CHECK(gzip.field("Content-Type") == "text/html; charset=utf-8");
  CHECK(gzip.field("Vary") == "Accept-Encoding");
  const Got brotli = ask("gzip, br");
  CHECK(brotli.body == "brotli");
  CHECK(brotli.field("Content-Encoding") == "br");
  tree.files["index.html"] = "brotli";  // even of one size and time
  CHECK(get(tree, "/").field("ETag") != brotli.field("ETag"));
  tree.files.erase("index.html.br");
  CHECK(ask("br").body == "brotli");
  CHECK(ask("br").field("Content-Encoding") == "(none)");
}

TEST_CASE("parts, conditions and HEAD are about the form that was chosen [RFC 9110 14.2]") {
  Tree tree;
  tree.files["index.html.gz"] = "gzipped";
  Fields fields = with("Accept-Encoding", "gzip");
  const Got whole = get(tree, "/", fields);
  CHECK(get(tree, "/", fields, "HEAD").size == 7);
  fields.add("If-Range", whole.field("ETag"));
  fields.add("Range", "bytes=4-");
  const Got part = get(tree, "/", fields);
  CHECK(part.status == 206);
  CHECK(part.body == "ped");
  CHECK(part.field("Content-Range") == "bytes 4-6/7");
  CHECK(part.field("Content-Encoding") == "gzip");
  fields = with("If-None-Match", whole.field("ETag"));
  CHECK(get(tree, "/", fields).status == 200);
  fields.add("Accept-Encoding", "gzip");
  const Got known = get(tree, "/", fields);
  CHECK(known.status == 304);
  CHECK(known.field("Vary") == "Accept-Encoding");
}

TEST_CASE(
    "a compressed file that is older, a directory, or not wanted is left alone; one without its file is no page") {
  Tree tree;
  tree.files["index.html.gz"] = "gzipped";
  tree.times["index.html.gz"] = tree.modified - 1;
  const Fields fields = with("Accept-Encoding", "gzip");
  CHECK(get(tree, "/", fields).body == "<root>");
  tree.times.clear();
  CHECK(get(tree, "/", fields).body == "gzipped");
  const Got without = get(tree, "/", fields, "GET", {.cache = {}, .precompressed = false});
  CHECK(without.body == "<root>");
  CHECK(without.field("Vary") == "(none)");
  CHECK(get(tree, "/index.html.gz").field("Content-Type") == "application/gzip");
  tree.files["alone.gz"] = "x";
  CHECK(get(tree, "/alone", fields).status == 404);
  tree.files["b/x.bin.gz/file"] = "x";
  CHECK(get(tree, "/b/x.bin", fields).body == "0123456789");
  CHECK(get(tree, "/b/x.bin", with("Accept-Encoding", "br, identity;q=0")).status == 406);
}

TEST_CASE("Cache-Control says what the settings say, on 304 too") {
  using std::chrono::seconds;
  Tree tree;
  CHECK(get(tree, "/").field("Cache-Control") == "(none)");
  CHECK(get(tree, "/", {}, "GET", {.cache = seconds(0)}).field("Cache-Control") == "no-cache");
  const Got known = get(tree, "/", with("If-None-Match", "*"), "GET", {.cache = seconds(3600)});
  CHECK(known.status == 304);
  CHECK(known.field("Cache-Control") == "max-age=3600");
  CHECK(get(tree, "/none", {}, "GET", {.cache = seconds(3600)}).field("Cache-Control") == "(none)");
}

TEST_CASE("types follow the last ending of the last name") {
  CHECK(media_type("a/index.html") == "text/html; charset=utf-8");
  CHECK(media_type("x.tar.GZ") == "application/gzip");
  CHECK(media_type("a.html/b") == "application/octet-stream");
  CHECK(media_type("") == "application/octet-stream");
  CHECK(media_type("x.") == "application/octet-stream");
  CHECK(media_type("app.JS") == "text/javascript; charset=utf-8");
}
