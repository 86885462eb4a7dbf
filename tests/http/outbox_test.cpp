// The sending queue: order kept, memory given back, resources read when their turn comes.
#include "http/outbox.hpp"

#include <doctest/doctest.h>

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

TEST_CASE("one gather has a bounded number of pieces") {
  Outbox box;
  for (int i = 0; i < 20; ++i) box.add(std::string(5000, 'x'));
  CHECK(box.entries() == 20);
  CHECK(box.gather(1 << 20).size() == Outbox::kPieces);
  box.clear();
  CHECK(box.empty());
}
