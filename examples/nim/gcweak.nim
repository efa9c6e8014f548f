## gcweak for Nim programs that are compiled with `--mm:boehm`.
##
## First come functions of gcweak under their own names; what they promise
## stands in its headers, and in the manual.  Then a layer that knows Nim's
## objects, procedures and exceptions.
##
## Nim's exceptions are jumps, and must not pass over frames of a library.  So
## the layer steps: gcweak says what is to be called next, and Nim calls it.
## What gcweak calls nevertheless (in `gcw_drain`, at exit) catches whatever is
## raised, and reports it.
##
## Handles are objects of the collected heap, as Nim's own: so they are `ref`
## here, are kept anywhere, and there is nothing to free.

import std/os

when not defined(boehmgc):
  {.error: "gcweak is for programs on the Boehm collector: --mm:boehm".}

const
  cflags = gorgeEx("pkg-config --cflags gcweak")
  libs = gorgeEx("pkg-config --libs gcweak")
when cflags.exitCode != 0 or libs.exitCode != 0:
  {.error: "gcweak was not found: " & libs.output.}
{.passC: cflags.output.}
{.passL: libs.output.}

# --- gcweak itself -----------------------------------------------------------

{.push header: "<gcweak.h>".}

type
  RefObj {.importc: "gcw_ref", incompleteStruct.} = object
  MethodObj {.importc: "gcw_method", incompleteStruct.} = object
  CleanupObj {.importc: "gcw_cleanup", incompleteStruct.} = object
  EventObj {.importc: "gcw_event", incompleteStruct.} = object
  ListenerObj {.importc: "gcw_listener", incompleteStruct.} = object
  RegistryObj {.importc: "gcw_exit_registry", incompleteStruct.} = object
  HandlerObj {.importc: "gcw_exit_handler", incompleteStruct.} = object

  gcw_ref* = ref RefObj
  gcw_method* = ref MethodObj
  gcw_cleanup* = ref CleanupObj
  gcw_event* = ref EventObj
  gcw_listener* = ref ListenerObj
  gcw_exit_registry* = ref RegistryObj
  gcw_exit_handler* = ref HandlerObj

  gcw_call_kind* {.importc, size: sizeof(cint).} = enum
    GCW_CALL_NONE, GCW_CALL_METHOD, GCW_CALL_LISTENER, GCW_CALL_HUB_LISTENER,
    GCW_CALL_FUNCTION, GCW_CALL_DEATH, GCW_CALL_PLAIN
  gcw_call* {.importc.} = object
    kind*: gcw_call_kind
    fn*: proc () {.cdecl.}
    self*, arg*, data*, handle*: pointer
  gcw_event_step* {.importc.} = object
    call*: gcw_call
    event: gcw_event
  gcw_exit_info* {.importc.} = object
    registry*: gcw_exit_registry
    handler*: gcw_exit_handler
    status*: cint
  gcw_exit_step* {.importc.} = object
    call*: gcw_call
    info*: gcw_exit_info
  gcw_bound* {.importc.} = object
    self*, data*: pointer

  ConstChars* {.importc: "const char *", bycopy.} = object
  MethodFn* = proc (self, arg, data: pointer): pointer {.cdecl.}
  ListenerFn* = proc (arg, data: pointer) {.cdecl.}
  DataFn* = proc (data: pointer) {.cdecl.}
  ErrorFn* = proc (handle: pointer, name, why: ConstChars,
                   data: pointer) {.cdecl.}

const
  GCW_ONCE* = 1.cuint
  GCW_UNIQUE* = 2.cuint
  GCW_FRONT* = 4.cuint

{.push cdecl, importc.}
proc gcw_init*(): cint
proc gcw_failed*(why: cstring): cint {.discardable.}
proc gcw_shutdown*(status: cint): cint
proc gcw_call_invoke*(call: ptr gcw_call): pointer {.discardable.}
proc gcw_call_failed*(call: ptr gcw_call, why: cstring): cint {.discardable.}

proc gcw_ref_new*(target: pointer): gcw_ref
proc gcw_ref_get*(r: gcw_ref): pointer
proc gcw_dispose*(target: pointer): cint {.discardable.}

proc gcw_method_new*(self: pointer, fn: MethodFn, data: pointer): gcw_method
proc gcw_method_alive*(m: gcw_method): bool
proc gcw_method_bind*(m: gcw_method, o: ptr gcw_bound): bool

proc gcw_cleanup_new*(target: pointer, fn: DataFn,
                      data: pointer): gcw_cleanup
proc gcw_cleanup_detach*(c: gcw_cleanup): bool {.discardable.}
proc gcw_drain_next*(call: ptr gcw_call): bool
proc gcw_drain_on_error*(hook: ErrorFn, data: pointer): cint {.discardable.}

proc gcw_event_new*(name: cstring): gcw_event
proc gcw_event_connect*(e: gcw_event, m: gcw_method,
                        flags: cuint): gcw_listener
proc gcw_event_connect_fn*(e: gcw_event, fn: ListenerFn, data: pointer,
                           flags: cuint): gcw_listener
proc gcw_event_count*(e: gcw_event): csize_t
proc gcw_event_first*(e: gcw_event, arg: pointer,
                      step: ptr gcw_event_step): bool
proc gcw_event_next*(step: ptr gcw_event_step): bool
proc gcw_event_on_error*(e: gcw_event, hook: ErrorFn,
                         data: pointer): cint {.discardable.}
proc gcw_listener_disconnect*(l: gcw_listener): bool {.discardable.}

proc gcw_exit_default*(): gcw_exit_registry
proc gcw_exit_register*(r: gcw_exit_registry, m: gcw_method,
                        o: pointer): gcw_exit_handler
proc gcw_exit_register_fn*(r: gcw_exit_registry, fn: DataFn, data: pointer,
                           o: pointer): gcw_exit_handler
proc gcw_exit_unregister*(h: gcw_exit_handler): cint {.discardable.}
proc gcw_exit_first*(r: gcw_exit_registry, status: cint,
                     step: ptr gcw_exit_step): bool
proc gcw_exit_next*(step: ptr gcw_exit_step): bool
proc gcw_exit_on_error*(r: gcw_exit_registry, hook: ErrorFn,
                        data: pointer): cint {.discardable.}
{.pop.}
{.pop.}

proc chars(text: ConstChars): cstring {.importc: "(char *)", nodecl.}

proc `$`*(text: ConstChars): string =
  $text.chars

# --- Calls -------------------------------------------------------------------

type
  Body = ref object
    ## What all callbacks of this layer have for their data.
    run: proc (self, arg: pointer)

proc runGuarded(self, arg, data: pointer) =
  ## For who calls from frames of its own, which no exception may leave.
  try:
    cast[Body](data).run(self, arg)
  except:
    gcw_failed(getCurrentExceptionMsg().cstring)

proc methodEntry(self, arg, data: pointer): pointer {.cdecl.} =
  runGuarded(self, arg, data)

proc listenerEntry(arg, data: pointer) {.cdecl.} =
  runGuarded(nil, arg, data)

proc dataEntry(data: pointer) {.cdecl.} =
  runGuarded(nil, nil, data)

proc isOurs(call: gcw_call): bool =
  case call.kind
  of GCW_CALL_METHOD: cast[MethodFn](call.fn) == methodEntry
  of GCW_CALL_LISTENER: cast[ListenerFn](call.fn) == listenerEntry
  of GCW_CALL_FUNCTION: cast[DataFn](call.fn) == dataEntry
  else: false

proc invoke*(call: gcw_call) =
  ## Makes the call; what it raises comes out here.
  if call.isOurs:
    cast[Body](call.data).run(call.self, call.arg)
  else:
    gcw_call_invoke(unsafeAddr call)

proc invokeReporting*(call: gcw_call) =
  ## Makes the call; what it raises is reported where the call comes from.
  try:
    call.invoke
  except:
    gcw_call_failed(unsafeAddr call, getCurrentExceptionMsg().cstring)

proc held[H: ref](handle: H): H =
  if handle == nil:
    raiseOSError(osLastError())
  handle

# --- Weak references and methods ---------------------------------------------

type
  Weak*[T: ref] = distinct gcw_ref
  Method*[A] = distinct gcw_method
    ## A procedure of an object that it holds weakly.

proc weak*[T: ref](target: T): Weak[T] =
  Weak[T](held gcw_ref_new(cast[pointer](target)))

proc get*[T](w: Weak[T]): T =
  ## The target, or nil once it has died.
  cast[T](gcw_ref_get(gcw_ref(w)))

proc weakMethod*[T: ref, A](self: T,
    fn: proc (self: T, arg: A) {.nimcall.}): Method[A] =
  let body = Body(run: proc (self, arg: pointer) =
    fn(cast[T](self), cast[ptr A](arg)[]))
  Method[A](held gcw_method_new(cast[pointer](self), methodEntry,
                                cast[pointer](body)))

proc invoke*[A](m: Method[A], arg: A): bool =
  ## Calls it; false if its object has died.
  var bound: gcw_bound
  var argument = arg
  result = gcw_method_bind(gcw_method(m), addr bound)
  if result:
    cast[Body](bound.data).run(bound.self, addr argument)

# --- Events ------------------------------------------------------------------

type
  Event*[A] = distinct gcw_event
    ## Its emissions have an argument of type A.

proc newEvent*[A](name: string): Event[A] =
  Event[A](held gcw_event_new(name))

proc connect*[A](e: Event[A], m: Method[A],
                 flags = 0.cuint): gcw_listener {.discardable.} =
  held gcw_event_connect(gcw_event(e), gcw_method(m), flags)

proc connect*[A](e: Event[A], fn: proc (arg: A),
                 flags = 0.cuint): gcw_listener {.discardable.} =
  ## The event holds what the closure leads to.
  let body = Body(run: proc (self, arg: pointer) = fn(cast[ptr A](arg)[]))
  held gcw_event_connect_fn(gcw_event(e), listenerEntry, cast[pointer](body),
                            flags)

proc count*[A](e: Event[A]): int =
  gcw_event_count(gcw_event(e)).int

iterator calls*[A](e: Event[A], arg: A): gcw_call =
  ## An emission, call by call.  It may be left at any point.
  var argument = arg
  var step: gcw_event_step
  var more = gcw_event_first(gcw_event(e), addr argument, addr step)
  while more:
    yield step.call
    more = gcw_event_next(addr step)

proc emit*[A](e: Event[A], arg: A) =
  ## Calls all listeners, also if some raise; the event's hook hears of those.
  for call in e.calls(arg):
    call.invokeReporting

# --- Cleanups ----------------------------------------------------------------

proc onDeath*[T: ref](target: T,
                      fn: proc ()): gcw_cleanup {.discardable.} =
  ## Calls fn when the target has died, in `drain`; or else at the end.  The
  ## closure must not lead to the target.
  let body = Body(run: proc (self, arg: pointer) = fn())
  held gcw_cleanup_new(cast[pointer](target), dataEntry, cast[pointer](body))

iterator pending*(): gcw_call =
  ## What is pending.  Who gives up leaves the rest pending.
  var call: gcw_call
  while gcw_drain_next(addr call):
    yield call

proc drain*(): int {.discardable.} =
  ## Makes all pending calls, and returns how many; the drain's hook hears of
  ## those that raise.
  for call in pending():
    call.invokeReporting
    inc result

# --- The end -----------------------------------------------------------------

proc onExit*(m: Method[gcw_exit_info]): gcw_exit_handler {.discardable.} =
  held gcw_exit_register(gcw_exit_default(), gcw_method(m), nil)

proc onExit*(fn: proc ()): gcw_exit_handler {.discardable.} =
  let body = Body(run: proc (self, arg: pointer) = fn())
  held gcw_exit_register_fn(gcw_exit_default(), dataEntry,
                            cast[pointer](body), nil)

iterator exitCalls*(status: int): gcw_call =
  ## The handlers of the default registry, the newest first.
  var step: gcw_exit_step
  var more = gcw_exit_first(gcw_exit_default(), status.cint, addr step)
  while more:
    yield step.call
    more = gcw_exit_next(addr step)

proc shutdown*(status: int) =
  ## Does what happens at exit, while all of Nim still works: then call `quit`.
  drain()
  for call in exitCalls(status):
    call.invokeReporting
  if gcw_shutdown(status.cint) != 0:
    raiseOSError(osLastError())
