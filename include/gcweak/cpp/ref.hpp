// ref.hpp: weak references; see ref.h, and gcweak.hpp for what all share.
#ifndef GCWEAK_CPP_REF_HPP
#define GCWEAK_CPP_REF_HPP

#include <gcweak/cpp/core.hpp>
#include <gcweak/ref.h>

namespace gcw {

// A weak reference to a T, which may be const: gcw_ref.
//
// Two are equal if they were made for the same pointer while it was one
// object's; that, and the hash, do not change when it dies.
template <class T>
class ref {
public:
    // To nothing: reads NULL.
    constexpr ref() noexcept = default;
    constexpr ref(std::nullptr_t) noexcept { }

    // To that object; NULL is nothing.  Throws EINVAL if it is none of the
    // collected heap.
    ref(T *target)
        : handle_(target == nullptr ? nullptr
                  : detail::must(gcw_ref_new(target), "gcw::ref")) { }

    // From that of a derived type, whose object it may have to look at: one to
    // a dead object leads to nothing.
    template <class U, class = std::enable_if_t<std::is_convertible_v<U *, T *>
                                                && !std::is_same_v<U, T>>>
    ref(const ref<U> &other)
        : ref(static_cast<T *>(other.get())) { }

    // The long one, which sees its target through finalization.
    static ref
    long_to(T *target)
    {
        ref made;

        made.handle_ = detail::must(gcw_ref_new_long(target), "gcw::ref");
        return made;
    }

    // The object, or NULL once it has died.  It is alive as long as the result
    // lies where the collector looks.
    T *
    get() const noexcept
    {
        return detail::restore<T>(gcw_ref_get(handle_));
    }

    explicit operator bool() const noexcept { return get() != nullptr; }

    // Never that of another; 0 for a reference to nothing.
    std::uint64_t
    id() const noexcept
    {
        return handle_ == nullptr ? 0 : gcw_ref_id(handle_);
    }

    gcw_ref *handle() const noexcept { return handle_; }

    friend bool
    operator==(const ref &a, const ref &b) noexcept
    {
        return a.handle_ == b.handle_;
    }

    friend bool
    operator!=(const ref &a, const ref &b) noexcept
    {
        return a.handle_ != b.handle_;
    }

private:
    gcw_ref *handle_ = nullptr;
};

// A reference, to be captured or kept.
template <class T>
ref<T>
weak(T *target)
{
    return ref<T>(target);
}

// Ends the object's life for everything weak: gcw_dispose.
inline void
dispose(const void *target)
{
    detail::must(gcw_dispose(detail::erase(target)), "gcw::dispose");
}

} // namespace gcw

template <class T>
struct std::hash<gcw::ref<T>> {
    std::size_t
    operator()(const gcw::ref<T> &r) const noexcept
    {
        return std::hash<std::uint64_t>()(r.id());
    }
};

#endif
