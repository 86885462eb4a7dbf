// MIB-style counters: one enum per layer names them, a fixed array holds them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

/// Counters named by an enum whose last enumerator is `count`. Each layer gives `std::string_view name(Enum)`,
/// snake_case, so that tools can list them. They only grow.
template <class Enum>
class Counters {
 public:
  static constexpr std::size_t kSize = static_cast<std::size_t>(Enum::count);

  void add(Enum which, std::uint64_t amount = 1) noexcept { values_[static_cast<std::size_t>(which)] += amount; }
  std::uint64_t operator[](Enum which) const noexcept { return values_[static_cast<std::size_t>(which)]; }

  /// Calls visit(name, value) for each, in order of the enum.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < kSize; ++i) visit(name(static_cast<Enum>(i)), values_[i]);
  }

 private:
  std::array<std::uint64_t, kSize> values_{};
};

}  // namespace sluice
