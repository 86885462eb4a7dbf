// A directory that lets nobody out.
#include "tools/file_source.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "tun/error.hpp"

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;
using Kind = http::FileSource::Kind;

/// root/{page, sub/deep, inside -> sub/deep, out -> ../secret, pipe}, secret
struct Tree {
  fs::path base;
  std::string root;

  Tree() {
    std::string pattern = (fs::temp_directory_path() / "sluice-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    base = pattern;
    root = (base / "root").string();
    fs::create_directories(base / "root/sub");
    std::ofstream(base / "root/page") << "hello, page";
    std::ofstream(base / "root/sub/deep") << "deep";
    std::ofstream(base / "secret") << "secret";
    fs::create_symlink("sub/deep", base / "root/inside");
    fs::create_symlink("../secret", base / "root/out");
    fs::create_symlink("/", base / "root/slash");
    REQUIRE(::mkfifo((base / "root/pipe").c_str(), 0600) == 0);
  }
  ~Tree() { fs::remove_all(base); }
};

std::string content(http::Resource& resource) {
  std::string text(resource.size(), '\0');
  const auto room = MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size());
  text.resize(resource.read_at(0, room));
  return text;
}

}  // namespace

TEST_CASE("files, folders and absent names are told apart, by either way of opening") {
  const Tree tree;
  for (const auto way : {DirectorySource::Resolve::automatic, DirectorySource::Resolve::by_steps}) {
    DirectorySource source(tree.root, {.resolve = way});
    auto page = source.open("page");
    REQUIRE(page.kind == Kind::file);
    CHECK(content(*page.resource) == "hello, page");
    CHECK(page.modified_nanoseconds > 1'600'000'000'000'000'000);
    CHECK(source.open("").kind == Kind::directory);
    CHECK(source.open("sub").kind == Kind::directory);
    auto deep = source.open("sub/deep");
    REQUIRE(deep.kind == Kind::file);
    CHECK(content(*deep.resource) == "deep");
    CHECK(source.open("none").kind == Kind::missing);
    CHECK(source.open("page/below").kind == Kind::missing);
    CHECK(source.open(std::string(300, 'a')).kind == Kind::missing);
    CHECK(source.open("pipe").kind == Kind::forbidden);
  }
}

TEST_CASE("no name and no link leads out") {
  const Tree tree;
  for (const auto way : {DirectorySource::Resolve::automatic, DirectorySource::Resolve::by_steps}) {
    DirectorySource source(tree.root, {.resolve = way});
    for (const char* name : {"out", "slash", "slash/etc/passwd"}) CHECK_FALSE(source.open(name).resource);
    CHECK(source.open("out").kind == Kind::forbidden);
  }
  DirectorySource steps(tree.root, {.resolve = DirectorySource::Resolve::by_steps});
  CHECK(steps.open("inside").kind == Kind::forbidden);  // it follows no link at all
}

TEST_CASE("a part is read from where it is asked, and a file that shrank ends early") {
  const Tree tree;
  DirectorySource source(tree.root);
  auto page = source.open("page");
  std::array<std::uint8_t, 4> bytes{};
  REQUIRE(page.resource->read_at(7, bytes) == 4);
  CHECK(as_text(bytes) == "page");
  fs::resize_file(tree.base / "root/page", 9);
  CHECK(page.resource->size() == 11);
  CHECK(page.resource->read_at(7, bytes) == 2);
}

TEST_CASE("what was asked for before is sent from memory, until the file changes") {
  const Tree tree;
  const std::string page = (tree.base / "root/page").string();
  DirectorySource::Settings settings;
  settings.wall_clock = [] { return std::numeric_limits<std::int64_t>::max(); };  // every file is old
  DirectorySource source(tree.root, std::move(settings));
  const auto first = source.open("page");
  const auto second = source.open("page");
  const Slice sent = first.resource->share(7, 65536);
  CHECK(as_text(sent.bytes()) == "page");
  CHECK(second.resource->share(0, 5).bytes().data() + 7 == sent.bytes().data());
  std::ofstream(page) << "other, words";
  CHECK(as_text(sent.bytes()) == "page");
  CHECK(as_text(source.open("page").resource->share(0, 5).bytes()) == "other");
}

TEST_CASE("a file cut short while it is sent ends its answer, or is sent whole where it was read before") {
  const Tree tree;
  const std::string page = (tree.base / "root/page").string();
  for (const bool old : {false, true}) {
    std::ofstream(page) << std::string(100'000, 'x');
    DirectorySource::Settings settings;
    settings.wall_clock = [old] { return old ? std::numeric_limits<std::int64_t>::max() : 0; };
    DirectorySource source(tree.root, std::move(settings));
    const auto found = source.open("page");
    const Slice sent = found.resource->share(0, 65536);
    CHECK(sent.size() == 65536);
    fs::resize_file(page, 10);
    CHECK(as_text(sent.bytes()) == std::string(65536, 'x'));
    CHECK(found.resource->share(0, 65536).size() == (old ? 65536 : 0));
    CHECK(found.resource->share(65536, 65536).empty());
  }
}

TEST_CASE("a root that is none is said at once") {
  const Tree tree;
  CHECK_THROWS_AS(DirectorySource(tree.root + "/page"), tun::Error);
  CHECK_THROWS_AS(DirectorySource(tree.root + "/none"), tun::Error);
}

}  // namespace sluice::tools
