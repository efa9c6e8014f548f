// map.hpp: weak maps, weak sets and guardians; see map.h, set.h and
// guardian.h, and gcweak.hpp for what all share.
#ifndef GCWEAK_CPP_MAP_HPP
#define GCWEAK_CPP_MAP_HPP

#include <gcweak/cpp/core.hpp>
#include <gcweak/guardian.h>
#include <gcweak/map.h>
#include <gcweak/set.h>

namespace gcw {

namespace detail {

// What a map holds for a value: the pointer that it is, or a copy in collected
// memory.
template <class V>
struct box {
    static_assert(std::is_trivially_destructible_v<V>,
                  "gcw::weak_map: values lie in collected memory, so they "
                  "must need no destructor");
    static_assert(alignof(V) <= 2 * sizeof(void *),
                  "gcw: the collector's memory is not so aligned");
    using pointer = V *;

    static void *
    make(const V &value)
    {
        void *memory = GC_malloc(sizeof value);

        if (memory == nullptr)
            throw std::bad_alloc();
        return ::new (memory) V(value);
    }
};
template <class V>
struct box<V *> {
    using pointer = V *;
    static void *make(V *value) noexcept { return erase(value); }
};

} // namespace detail

// A weak map: gcw_map.  Its keys are pointers to K, compared by address.
//
//     gcw::weak_map<document, int> marks;         values are ints
//     gcw::weak_map<document, window *> views;    values are pointers
//
// Where V is a pointer, get gives it, or NULL for none.  Any other V is copied
// into collected memory, and get gives a pointer to that copy, or NULL; it
// must be trivially destructible.  The result is strong.
//
// An entry lives as long as its key, whatever the value leads to; other kinds
// are GCW_WEAK_VALUES, GCW_WEAK_BOTH (for pointers only) and
// GCW_STRONG_VALUES. A copy of a map is the same map.
template <class K, class V>
class weak_map {
    using kept = detail::box<V>;

public:
    using pointer = typename kept::pointer;

    weak_map() : weak_map(GCW_WEAK_KEYS) { }
    explicit weak_map(gcw_map_kind kind)
        : handle_(make(kind)) { }

    // The value of a key, or NULL.
    pointer
    get(const K *key) const noexcept
    {
        return detail::restore<std::remove_pointer_t<pointer>>(
            gcw_map_get(handle_, key));
    }

    bool
    contains(const K *key) const noexcept
    {
        return gcw_map_get(handle_, key) != nullptr;
    }

    void
    put(const K *key, const V &value)
    {
        detail::must(gcw_map_put(handle_, key, kept::make(value)),
                     "gcw::weak_map::put");
    }

    // The value that the key has, or else this one, which it is given then.
    pointer
    setdefault(const K *key, const V &value)
    {
        return detail::restore<std::remove_pointer_t<pointer>>(detail::must(
            gcw_map_setdefault(handle_, key, kept::make(value)),
            "gcw::weak_map::setdefault"));
    }

    // The value that it had, or NULL.
    pointer
    remove(const K *key)
    {
        return detail::restore<std::remove_pointer_t<pointer>>(
            gcw_map_remove(handle_, key));
    }

    std::size_t count() const noexcept { return gcw_map_count(handle_); }

    // A walk, with the promises of gcw_map_next: the map may be changed
    // meanwhile.
    //
    //     for (auto [key, value] : marks)
    class iterator {
    public:
        using entry = std::pair<K *, pointer>;

        iterator() noexcept = default;
        explicit iterator(gcw_map *m) noexcept
        {
            gcw_map_first(m, &at_);
            ++*this;
        }

        entry
        operator*() const noexcept
        {
            return entry(detail::restore<K>(key_),
                         detail::restore<std::remove_pointer_t<pointer>>(
                             value_));
        }

        iterator &
        operator++() noexcept
        {
            if (!gcw_map_next(&at_, &key_, &value_))
                key_ = value_ = nullptr;
            return *this;
        }

        bool
        operator!=(const iterator &other) const noexcept
        {
            return key_ != other.key_;
        }

    private:
        gcw_map_iter at_{};
        void *key_ = nullptr, *value_ = nullptr;
    };

    iterator begin() const noexcept { return iterator(handle_); }
    iterator end() const noexcept { return iterator(); }

    gcw_map *handle() const noexcept { return handle_; }

private:
    static gcw_map *
    make(gcw_map_kind kind)
    {
        if (!std::is_pointer_v<V>
            && (kind == GCW_WEAK_VALUES || kind == GCW_WEAK_BOTH))
            detail::throw_error(EINVAL, "gcw::weak_map");
        return detail::must(gcw_map_new(kind), "gcw::weak_map");
    }

    gcw_map *handle_;
};

// A weak set: gcw_set.  A copy is the same set.
template <class T>
class weak_set {
public:
    weak_set() : handle_(detail::must(gcw_set_new(), "gcw::weak_set")) { }

    // Whether it was not in before.
    bool
    add(const T *member)
    {
        return detail::must(gcw_set_add(handle_, member),
                            "gcw::weak_set::add") == 1;
    }

    bool
    has(const T *member) const noexcept
    {
        return gcw_set_has(handle_, member);
    }

    // Whether it was in.
    bool remove(const T *member) { return gcw_set_remove(handle_, member); }

    std::size_t count() const noexcept { return gcw_set_count(handle_); }

    class iterator {
    public:
        iterator() noexcept = default;
        explicit iterator(gcw_set *s) noexcept
        {
            gcw_set_first(s, &at_);
            ++*this;
        }

        T *operator*() const noexcept { return detail::restore<T>(member_); }

        iterator &
        operator++() noexcept
        {
            if (!gcw_set_next(&at_, &member_))
                member_ = nullptr;
            return *this;
        }

        bool
        operator!=(const iterator &other) const noexcept
        {
            return member_ != other.member_;
        }

    private:
        gcw_set_iter at_{};
        void *member_ = nullptr;
    };

    iterator begin() const noexcept { return iterator(handle_); }
    iterator end() const noexcept { return iterator(); }

    gcw_set *handle() const noexcept { return handle_; }

private:
    gcw_set *handle_;
};

// A guardian, which hands objects back after their death: gcw_guardian.  A
// copy is the same guardian.
template <class T>
class guardian {
public:
    guardian()
        : handle_(detail::must(gcw_guardian_new(), "gcw::guardian")) { }

    void
    add(T *object)
    {
        detail::must(gcw_guardian_add(handle_, object, nullptr),
                     "gcw::guardian::add");
    }

    // The next that has died, or NULL: whole, and strong again.
    T *
    next() noexcept
    {
        return detail::restore<T>(gcw_guardian_next(handle_));
    }

    // Readable while there is something to take out.
    int
    fd()
    {
        return detail::must(gcw_guardian_fd(handle_), "gcw::guardian::fd");
    }

    gcw_guardian *handle() const noexcept { return handle_; }

private:
    gcw_guardian *handle_;
};

} // namespace gcw

#endif
