// A move-only function object with inline storage: what a std::move_only_function would be. Captures
// of up to Capacity bytes cost no allocation; larger ones are kept on the heap.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "core/base/assert.hpp"
#include "core/base/result.hpp"

namespace keelson {

template <class Signature, std::size_t Capacity = 64>
class Callback;

template <class R, class... Args, std::size_t Capacity>
class Callback<R(Args...), Capacity> {
 public:
  Callback() = default;
  Callback(std::nullptr_t) {}  // NOLINT: a null callback, like a null pointer

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Callback> &&
             std::is_invocable_r_v<R, std::remove_cvref_t<F>&, Args...>)
  Callback(F&& f) {  // NOLINT: any callable is a Callback
    using Fn = std::remove_cvref_t<F>;
    if constexpr (sizeof(Fn) <= Capacity && alignof(Fn) <= alignof(void*) &&
                  std::is_nothrow_move_constructible_v<Fn>) {
      new (storage_) Fn(std::forward<F>(f));
      ops_ = &inline_ops<Fn>;
    } else {
      new (storage_) Fn*(new Fn(std::forward<F>(f)));
      ops_ = &heap_ops<Fn>;
    }
  }

  Callback(Callback&& other) noexcept : ops_(other.ops_) {
    if (ops_) {
      ops_->move(storage_, other.storage_);
      other.ops_ = nullptr;
    }
  }
  Callback& operator=(Callback&& other) noexcept {
    if (this != &other) {
      reset();
      if (other.ops_) {
        other.ops_->move(storage_, other.storage_);
        ops_ = std::exchange(other.ops_, nullptr);
      }
    }
    return *this;
  }
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;
  ~Callback() { reset(); }

  explicit operator bool() const { return ops_ != nullptr; }

  // May be called any number of times; REQUIRES: not null.
  R operator()(Args... args) {
    KEELSON_ASSERT(ops_ != nullptr);
    return ops_->call(storage_, std::forward<Args>(args)...);
  }

  void reset() {
    if (ops_) std::exchange(ops_, nullptr)->destroy(storage_);
  }

 private:
  struct Ops {
    R (*call)(void*, Args&&...);
    void (*move)(void* to, void* from);  // leaves `from` destroyed
    void (*destroy)(void*);
  };

  template <class Fn>
  static constexpr Ops inline_ops = {
      [](void* at, Args&&... args) -> R {
        return (*static_cast<Fn*>(at))(std::forward<Args>(args)...);
      },
      [](void* to, void* from) {
        new (to) Fn(std::move(*static_cast<Fn*>(from)));
        static_cast<Fn*>(from)->~Fn();
      },
      [](void* at) { static_cast<Fn*>(at)->~Fn(); }};

  template <class Fn>
  static constexpr Ops heap_ops = {
      [](void* at, Args&&... args) -> R {
        return (**static_cast<Fn**>(at))(std::forward<Args>(args)...);
      },
      [](void* to, void* from) { new (to) Fn*(*static_cast<Fn**>(from)); },
      [](void* at) { delete *static_cast<Fn**>(at); }};

  const Ops* ops_ = nullptr;
  alignas(void*) std::byte storage_[Capacity];
};

// How asynchronous calls answer. Called exactly once, never from inside the call that takes it.
template <class T>
using Done = Callback<void(Result<T>)>;

}  // namespace keelson
