// The sending queue: order kept, memory given back, resources read when their turn comes.
#include "http/outbox.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace sluice;
using namespace sluice::http;

namespace {

/// Counts how often and how much it is read.
class Counted final : public Resource {
 public:
  Counted(std::uint64_t size, std::size_t& reads) : size_(size), reads_(&reads) {}
  std::uint64_t size() const override { return size_; }
  std::size_t read_at(std::uint64_t offset, MutableBytes into) override {
    ++*reads_;
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = static_cast<std::uint8_t>('0' + (offset + i) % 10);
    return into.size();
  }

 private:
  std::uint64_t size_;
  std::size_t* reads_;
};

/// Offers its own memory, `cut` bytes at once.
class Lent final : public Resource {
 public:
  Lent(Slice all, std::size_t cut) : all_(std::move(all)), cut_(cut) {}
  std::uint64_t size() const override { return all_.size(); }
  std::size_t read_at(std::uint64_t, MutableBytes) override { return 0; }
  Slice share(std::uint64_t offset, std::size_t most) override {
    return all_.part(offset, std::min({most, cut_, all_.size() - offset}));
  }

 private:
  Slice all_;
  std::size_t cut_;
};

std::string drain(Outbox& box, std::size_t step) {
  std::string all;
  for (Gather pieces = box.gather(step); !pieces.empty(); pieces = box.gather(step)) {
    const Bytes first = pieces.front().first(std::min(step, pieces.front().size()));
    all += as_text(first);
    box.drop(first.size());
  }
  return all;
}

}  // namespace

TEST_CASE("texts, slices and resources leave in the order in which they came") {
  for (const std::size_t step : std::initializer_list<std::size_t>{1, 3, 1000, 1 << 20}) {
    Outbox box;
    std::size_t reads = 0;
    std::string expected;
    for (std::size_t i = 0; i < 40; ++i) {
      const std::string label = std::to_string(i).append(";");
      box.text() += label;
      box.add(ResourceBody{std::make_unique<Counted>(25, reads), 5, i % 3 * 7});
      expected += label + std::string("56789012345678").substr(0, i % 3 * 7);
    }
    box.add(Slice::copy_of(as_bytes(std::string(5000, 's'))));
    box.add(std::string(5000, 't'));
    box.add_body(Slice());
    box.add_body(NoBody{});
    expected += std::string(5000, 's') + std::string(5000, 't');
    CHECK(box.held() < 11000);
    CHECK(drain(box, step) == expected);
    CHECK(box.empty());
    CHECK(box.held() == 0);
  }
}

TEST_CASE("a resource is read only when its bytes are next, 64 KiB at a time") {
  Outbox box;
  std::size_t reads = 0;
  box.text() += "head";
  box.add_body(body_of(std::make_unique<Counted>(200000, reads)));
  box.text() += "tail";
  CHECK(box.gather(0).empty());
  CHECK(box.gather(4).size() == 1);
  CHECK(reads == 0);
  CHECK(gather_size(box.gather(1 << 20)) == 4 + 65536);
  CHECK(box.held() == 8 + 65536);
  CHECK(gather_size(box.gather(1 << 20)) == 4 + 65536);
  CHECK(reads == 1);
  CHECK(drain(box, 1 << 20).ends_with("789tail"));
  CHECK(reads == 4);
}

TEST_CASE("a resource's own memory is what leaves, and its owner is told along with it") {
  std::string text;
  for (int i = 0; text.size() < 200000; ++i) text += std::to_string(i);
  const Slice all = Slice::copy_of(as_bytes(text));
  Outbox box;
  box.text() += "head";
  box.add(ResourceBody{std::make_unique<Lent>(all, 30000), 100, 60000});
  const Gather pieces = box.gather(1 << 20);
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[1].data() == all.bytes().data() + 100);
  CHECK(box.shared(0).empty());
  CHECK(box.shared(1).bytes().data() == pieces[1].data());
  CHECK(box.shared(1).size() == 30000);
  CHECK(drain(box, 7000) == "head" + text.substr(100, 60000));
  CHECK_FALSE(box.broken());
}

TEST_CASE("what a stream still holds of a resource is not read over") {
  Outbox box;
  std::size_t reads = 0;
  box.add_body(body_of(std::make_unique<Counted>(3 * Outbox::kReadSize, reads)));
  REQUIRE(box.gather(1 << 20).size() == 1);
  const Slice held = box.shared(0);
  const std::string before(as_text(held.bytes()));
  box.drop(Outbox::kReadSize);
  REQUIRE(box.gather(1 << 20).size() == 1);
  CHECK(reads == 2);
  CHECK(as_text(held.bytes()) == before);
  CHECK(box.shared(0).bytes().data() != held.bytes().data());
}

TEST_CASE("what is short is the queue's own, so that it leaves with its head in one write") {
  Outbox box;
  box.text() += "head";
  box.add_body(body_of(std::make_unique<Lent>(Slice::copy_of(as_bytes(std::string(1000, 'x'))), 1000)));
  REQUIRE(box.gather(1 << 20).size() == 2);
  CHECK(box.shared(1).empty());
}

TEST_CASE("one gather has a bounded number of pieces") {
  Outbox box;
  for (int i = 0; i < 20; ++i) box.add(std::string(5000, 'x'));
  CHECK(box.entries() == 20);
  CHECK(box.gather(1 << 20).size() == Outbox::kPieces);
  box.clear();
  CHECK(box.empty());
}
