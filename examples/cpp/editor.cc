// editor.cc: an editor without a screen, for gcweak.hpp.
//
// Documents are open in views.  A document tells its views when it has changed;
// it does not know how many there are, and keeps none alive.  Views close by
// being forgotten.  At the end what was not saved is saved, document by
// document, the last opened first.
#include <gc.h>
#include <gcweak/gcweak.hpp>

#include <cstdio>
#include <new>
#include <stdexcept>
#include <utility>

namespace {

// A new object in the collected heap.
template <class T, class... A>
T *
make(A &&...args)
{
    void *memory = GC_MALLOC(sizeof(T));

    if (memory == nullptr)
        throw std::bad_alloc();
    return new (memory) T(std::forward<A>(args)...);
}

// Its event lies in it, and so where the collector looks.
class document {
public:
    gcw::event<const document &> changed{ "changed" };

    explicit document(const char *title) : title_(title)
    {
        gcw::exit_options options;

        options.name = title;
        gcw::at_exit(this, &document::save, options);
    }

    void
    type(int letters)
    {
        letters_ += letters;
        unsaved_ = true;
        changed.emit(*this);
    }

    void
    save()
    {
        if (unsaved_)
            std::printf("saving %s, %d letters\n", title_, letters_);
        unsaved_ = false;
    }

    const char *title() const { return title_; }
    int letters() const { return letters_; }

private:
    const char *title_;
    int letters_ = 0;
    bool unsaved_ = false;
};

class view {
public:
    view(const char *name, document *of) : name_(name), of_(of)
    {
        of->changed.connect<&view::redraw>(this);
    }

    void
    redraw(const document &d)
    {
        pixels_[drawn_++ % PIXELS] = d.letters();
        if (d.letters() > 100)
            throw std::runtime_error("the page is full");
        if (name_ != nullptr)
            std::printf("%s: %s has %d letters\n", name_, of_->title(),
                        of_->letters());
    }

    int drawn() const { return drawn_; }

private:
    enum { PIXELS = 32 };

    const char *name_;           // NULL: one of many, which says nothing
    document *of_;               // strong: it is open as long as the view is
    int drawn_ = 0;
    int pixels_[PIXELS] = {};
};

// No variable of main: cleanups of what still lives run after its end.
int closed;

// Views that nobody remembers.
void
open_and_forget(document *d, int n)
{
    for (int i = 0; i < n; i++) {
        view *v = make<view>(nullptr, d);

        gcw::cleanup(v, [] { closed++; });
    }
}

const char *
how_many(int n, int of)
{
    return n >= of - of / 20 ? "nearly all" : n == 0 ? "none" : "some";
}

}

int
main()
{
    enum { MANY = 1000 };
    GC_INIT();
    document *letter = make<document>("letter");
    document *list = make<document>("list");
    view *left = make<view>("left", letter);
    gcw::weak_map<view, int> zoom;

    std::puts("1. A document and its views");
    make<view>("right", letter);
    letter->type(10);
    zoom.put(left, 150);
    std::printf("   the left one is drawn at %d %%\n", *zoom.get(left));

    std::puts("2. Views that are forgotten");
    open_and_forget(list, MANY);
    list->type(5);
    gcw_collect();
    std::printf("   %s are closed\n", how_many(closed, MANY));

    std::puts("3. A view fails, and the others are drawn");
    letter->changed.on_error([first = true](const gcw::failure &f) mutable {
        if (first)
            std::printf("a view has failed: %s\n", f.why);
        first = false;
    });
    {
        gcw::scoped_connection counting = letter->changed.connect(
            [](const document &d) { std::printf("%d in all\n", d.letters()); });

        letter->type(91);
    }
    std::printf("   the left one was drawn %d times\n", left->drawn());

    std::puts("4. The end");
}
