// A coroutine that others can await: lazy, owned by its Task, no allocation but its frame.
#pragma once

#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace sluice::tun {

template <class T = void>
class Task;

namespace detail {

/// Told when a coroutine that nobody awaits has ended.
class Finish {
 public:
  virtual void finished() noexcept = 0;

 protected:
  ~Finish() = default;
};

class PromiseBase {
 public:
  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      PromiseBase& promise = self.promise();
      // Ended while its starter still stands on the stack: the starter goes on by itself. So a loop over coroutines
      // that never wait needs no stack, whatever the compiler makes of tail calls.
      if (promise.starting_) return;
      if (promise.waiting_) return promise.waiting_.resume();
      if (promise.finish_) promise.finish_->finished();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }

 protected:
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  template <class>
  friend class sluice::tun::Task;
  std::coroutine_handle<> waiting_;
  Finish* finish_ = nullptr;
  std::exception_ptr failure_;
  bool starting_ = false;
};

template <class T>
class Promise final : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  void return_value(T value) { value_.emplace(std::move(value)); }
  T result() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> final : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void result() const { rethrow(); }
};

}  // namespace detail

/// Runs when it is awaited (or spawned), to its first wait at once. Destroying it destroys the coroutine, wherever that
/// waits, and everything in it. A coroutine must not destroy its own Task.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task() noexcept = default;
  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  /// For co_await: the caller goes on when the task has ended, with its value or its exception.
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    assert(coroutine_ && !coroutine_.done());
    coroutine_.promise().waiting_ = waiting;
    return !start();
  }
  T await_resume() { return coroutine_.promise().result(); }

  /// For owners that don't await: runs to the first wait; `finish` is told of an end that comes later. True: it has
  /// ended.
  bool start(detail::Finish* finish = nullptr) {
    auto& promise = coroutine_.promise();
    promise.finish_ = finish;
    promise.starting_ = true;
    coroutine_.resume();
    promise.starting_ = false;
    return coroutine_.done();
  }
  /// The value, or the exception. REQUIRES that the coroutine has ended.
  T result() { return coroutine_.promise().result(); }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}
  std::coroutine_handle<promise_type> coroutine_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> detail::Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace sluice::tun
