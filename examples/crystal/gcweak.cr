# gcweak for Crystal.
#
# `LibGcw` has functions of gcweak under their own names, without the gcw_; what
# they promise stands in its headers, and in the manual.  `Gcweak` is a layer
# above, which knows Crystal's objects, blocks, exceptions and fibers.
#
# The layer steps: gcweak says what is to be called next, and Crystal calls it.
# So an exception passes from a listener to who emits, without a frame of
# gcweak's in between, and a listener may wait, while other fibers emit the same
# event.  What gcweak calls nevertheless (in `LibGcw.drain`, at exit without
# `Gcweak.shutdown`) catches whatever is raised, and reports it.

@[Link("gcweak", pkg_config: "gcweak")]
lib LibGcw
  type Ref = Void*
  type Method = Void*
  type Cleanup = Void*
  type Event = Void*
  type Listener = Void*
  type Registry = Void*
  type Handler = Void*

  enum CallKind
    None
    Method
    Listener
    HubListener
    Function
    Death
    Plain
  end

  @[Flags]
  enum ConnectFlags : UInt32
    Once
    Unique
    Front
  end

  struct Call
    kind : CallKind
    fn, self, arg, data, handle, place, owner : Void*
  end

  struct EventStep
    call : Call
    event, array, next, end, arg : Void*
    reserved : Void*[2]
  end

  struct ExitInfo
    registry : Registry
    handler : Handler
    name : LibC::Char*
    status : LibC::Int
  end

  struct ExitStep
    call : Call
    info : ExitInfo
    reserved : Void*[4]
  end

  struct Bound
    self, fn, data : Void*
  end

  alias MethodFn = Void*, Void*, Void* -> Void*
  alias ListenerFn = Void*, Void* -> Void
  alias DataFn = Void* -> Void
  alias ErrorFn = Void*, LibC::Char*, LibC::Char*, Void* -> Void

  fun init = gcw_init : LibC::Int
  fun failed = gcw_failed(why : LibC::Char*) : LibC::Int
  fun shutdown = gcw_shutdown(status : LibC::Int) : LibC::Int
  fun call_invoke = gcw_call_invoke(call : Call*) : Void*
  fun call_failed = gcw_call_failed(call : Call*, why : LibC::Char*) : LibC::Int

  fun ref_new = gcw_ref_new(target : Void*) : Ref
  fun ref_get = gcw_ref_get(ref : Ref) : Void*
  fun dispose = gcw_dispose(target : Void*) : LibC::Int

  fun method_new = gcw_method_new(self : Void*, fn : MethodFn, data : Void*) : Method
  fun method_bind = gcw_method_bind(m : Method, out : Bound*) : Bool
  fun method_alive = gcw_method_alive(m : Method) : Bool

  fun cleanup_new = gcw_cleanup_new(target : Void*, fn : DataFn, data : Void*) : Cleanup
  fun cleanup_detach = gcw_cleanup_detach(c : Cleanup) : Bool
  fun drain_next = gcw_drain_next(call : Call*) : Bool
  fun drain_fd = gcw_drain_fd : LibC::Int
  fun drain_on_error = gcw_drain_on_error(hook : ErrorFn, data : Void*) : LibC::Int

  fun event_new = gcw_event_new(name : LibC::Char*) : Event
  fun event_connect = gcw_event_connect(e : Event, m : Method, flags : ConnectFlags) : Listener
  fun event_connect_fn = gcw_event_connect_fn(e : Event, fn : ListenerFn, data : Void*, flags : ConnectFlags) : Listener
  fun event_count = gcw_event_count(e : Event) : LibC::SizeT
  fun event_first = gcw_event_first(e : Event, arg : Void*, step : EventStep*) : Bool
  fun event_next = gcw_event_next(step : EventStep*) : Bool
  fun event_on_error = gcw_event_on_error(e : Event, hook : ErrorFn, data : Void*) : LibC::Int
  fun listener_disconnect = gcw_listener_disconnect(l : Listener) : Bool

  fun exit_default = gcw_exit_default : Registry
  fun exit_register = gcw_exit_register(r : Registry, m : Method, options : Void*) : Handler
  fun exit_register_fn = gcw_exit_register_fn(r : Registry, fn : DataFn, data : Void*, options : Void*) : Handler
  fun exit_unregister = gcw_exit_unregister(h : Handler) : LibC::Int
  fun exit_first = gcw_exit_first(r : Registry, status : LibC::Int, step : ExitStep*) : Bool
  fun exit_next = gcw_exit_next(step : ExitStep*) : Bool
  fun exit_on_error = gcw_exit_on_error(r : Registry, hook : ErrorFn, data : Void*) : LibC::Int
end

lib LibC
  fun dup(fd : Int) : Int
end

module Gcweak
  # What all callbacks of this layer have as their data.
  class Body
    def initialize(&@run : Void*, Void* ->)
    end

    def run(target : Void*, arg : Void*)
      @run.call(target, arg)
    end

    # For who calls from frames of its own, which no exception may leave.
    def run_guarded(target : Void*, arg : Void*)
      run(target, arg)
    rescue ex
      LibGcw.failed(ex.message || ex.class.name)
    end
  end

  METHOD_ENTRY = ->(target : Void*, arg : Void*, data : Void*) do
    data.as(Body).run_guarded(target, arg)
    Pointer(Void).null
  end

  LISTENER_ENTRY = ->(arg : Void*, data : Void*) do
    data.as(Body).run_guarded(Pointer(Void).null, arg)
    nil
  end

  DATA_ENTRY = ->(data : Void*) do
    data.as(Body).run_guarded(Pointer(Void).null, Pointer(Void).null)
    nil
  end

  # A call that is to be made.
  struct Call
    def initialize(@call : LibGcw::Call)
    end

    # Makes the call; what it raises comes out here.
    def invoke : Nil
      if ours?
        @call.data.as(Body).run(@call.self, @call.arg)
      else
        LibGcw.call_invoke(pointerof(@call))
      end
    end

    # Makes the call; what it raises is reported where the call comes from.
    def invoke_reporting : Nil
      invoke
    rescue ex
      failed(ex.message || ex.class.name)
    end

    def failed(why : String) : Nil
      LibGcw.call_failed(pointerof(@call), why)
    end

    private def ours?
      entry = case @call.kind
              when .method?   then METHOD_ENTRY.pointer
              when .listener? then LISTENER_ENTRY.pointer
              when .function? then DATA_ENTRY.pointer
              end
      @call.fn == entry
    end
  end

  # Handles are pointers, and null if the function failed.
  def self.held(handle : T) : T forall T
    raise RuntimeError.from_errno("gcweak") if handle.as(Void*).null?
    handle
  end

  # Ends the life of an object for all that is weak, now.
  def self.dispose(target : Reference) : Nil
    LibGcw.dispose(target.as(Void*))
  end

  # A weak reference.
  class Weak(T)
    @ref : LibGcw::Ref

    def initialize(target : T)
      @ref = Gcweak.held(LibGcw.ref_new(target.as(Void*)))
    end

    def value : T?
      target = LibGcw.ref_get(@ref)
      target.as(T) unless target.null?
    end
  end

  # A block for an object that it holds weakly.  The block gets the object, and
  # must not lead to it otherwise.
  class Method(A)
    getter handle : LibGcw::Method

    def initialize(@handle)
    end

    def self.of(target : T, &block : T, A ->) : self forall T
      body = Body.new { |object, arg| block.call(object.as(T), arg.as(A*).value) }
      new(Gcweak.held(LibGcw.method_new(target.as(Void*), METHOD_ENTRY, body.as(Void*))))
    end

    # Calls it; false if its object has died.
    def invoke(arg : A) : Bool
      return false unless LibGcw.method_bind(@handle, out bound)
      bound.data.as(Body).run(bound.self, pointerof(arg).as(Void*))
      true
    end

    def alive? : Bool
      LibGcw.method_alive(@handle)
    end
  end

  # An event whose emissions have an argument of type A.
  class Event(A)
    getter handle : LibGcw::Event

    def initialize(name : String)
      @handle = Gcweak.held(LibGcw.event_new(name))
    end

    def connect(m : Method(A), flags = LibGcw::ConnectFlags::None) : LibGcw::Listener
      Gcweak.held(LibGcw.event_connect(@handle, m.handle, flags))
    end

    # The event holds what the block leads to.
    def connect(flags = LibGcw::ConnectFlags::None, &block : A ->) : LibGcw::Listener
      body = Body.new { |_, arg| block.call(arg.as(A*).value) }
      Gcweak.held(LibGcw.event_connect_fn(@handle, LISTENER_ENTRY, body.as(Void*), flags))
    end

    def count : Int32
      LibGcw.event_count(@handle).to_i
    end

    # An emission, call by call.  It may be left at any point, and may wait
    # between any two.
    def each_call(arg : A, &)
      more = LibGcw.event_first(@handle, pointerof(arg).as(Void*), out step)
      while more
        yield Call.new(step.call)
        more = LibGcw.event_next(pointerof(step))
      end
    end

    # Calls all listeners, also if some raise; the event's hook hears of those.
    def emit(arg : A) : Nil
      each_call(arg, &.invoke_reporting)
    end
  end

  # Calls the block when the target has died, in `drain`; or else at the end.
  # The block must not lead to the target.
  def self.on_death(target : Reference, &block : ->) : LibGcw::Cleanup
    body = Body.new { block.call }
    held(LibGcw.cleanup_new(target.as(Void*), DATA_ENTRY, body.as(Void*)))
  end

  # What is pending.  Who gives up leaves the rest pending.
  def self.each_pending(&)
    while LibGcw.drain_next(out call)
      yield Call.new(call)
    end
  end

  # Makes all pending calls, and returns how many; the drain's hook hears of
  # those that raise.
  def self.drain : Int32
    count = 0
    each_pending do |call|
      call.invoke_reporting
      count += 1
    end
    count
  end

  # Has a fiber of its own drain; the block hears how many calls there were.
  # What Crystal closes in the end is a duplicate of the descriptor.
  def self.drain_in_fiber(&block : Int32 ->)
    ready = IO::FileDescriptor.new(LibC.dup(LibGcw.drain_fd), blocking: false)
    ready.close_on_exec = true
    spawn(name: "drain") do
      loop do
        ready.wait_readable
        block.call(drain)
      end
    end
  end

  def self.on_exit(m : Method(LibGcw::ExitInfo)) : LibGcw::Handler
    held(LibGcw.exit_register(LibGcw.exit_default, m.handle, nil))
  end

  def self.on_exit(&block : ->) : LibGcw::Handler
    body = Body.new { block.call }
    held(LibGcw.exit_register_fn(LibGcw.exit_default, DATA_ENTRY, body.as(Void*), nil))
  end

  # The handlers of the default registry, the newest first.
  def self.each_exit_call(status : Int32, &)
    more = LibGcw.exit_first(LibGcw.exit_default, status, out step)
    while more
      yield Call.new(step.call)
      more = LibGcw.exit_next(pointerof(step))
    end
  end

  # Does what happens at exit, while all of Crystal still works.
  def self.shutdown(status : Int32) : Nil
    drain
    each_exit_call(status, &.invoke_reporting)
    raise RuntimeError.from_errno("gcw_shutdown") unless LibGcw.shutdown(status) == 0
  end

  # The first, so the last to run.
  at_exit { |status| shutdown(status) }
end
