// The smallest stranger: time of the stack, from the installed headers.
#include <chrono>
#include <stack/base/time.hpp>

int main() {
  const sluice::Duration second = std::chrono::seconds(1);
  return sluice::Time{} + second < sluice::kNever ? 0 : 1;
}
