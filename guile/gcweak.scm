;;; gcweak.scm: weak methods, events, cleanups, exit handlers, weak maps and
;;; guardians for Guile.
;;;
;;; The Scheme half of the extension: what is better said in Scheme, and the
;;; documentation of it all.

(define-module (gcweak)
  #:use-module (ice-9 atomic)
  #:use-module (ice-9 threads)
  #:use-module (oop goops)
  #:use-module ((srfi srfi-1) #:select (any))
  #:export (gcweak-version

            make-weak-reference weak-reference? weak-reference-value

            make-weak-method weak-lambda weak-method? weak-method-call
            weak-method-alive? weak-method-bind call-with-live
            weak-method=? weak-method-hash weak-method-on-death!

            make-cleanup make-cleanup* cleanup? cleanup-alive? cleanup-target
            cleanup-run! cleanup-detach! cleanup-at-exit?
            set-cleanup-at-exit! set-cleanup-error-handler!

            dispose! drain! collect!

            make-event event? event-connect! event-disconnect! event-emit
            event-count set-event-error-handler!

            listener? listener-disconnect! listener-connected?
            listener-block! listener-unblock!

            make-hub hub? hub-connect! hub-disconnect! hub-emit hub-post!
            hub-dispatch! hub-file-descriptor hub-port hub-size
            set-hub-error-handler!

            exit-handler-register! exit-handler-unregister! exit-handler?
            exit-unregister-object! exit-unregister-callee!
            make-exit-registry default-exit-registry exit-registry?
            exit-registry-run! exit-registry-clear! exit-registry-handlers
            set-exit-limit! set-exit-error-handler! exit-status

            exit-on-signal exit-off-signal exit-signal exit-signal-port
            exit-by-signal

            make-weak-key-map make-weak-value-map make-doubly-weak-map
            make-strong-value-map weak-map? weak-map-ref weak-map-set!
            weak-map-setdefault! weak-map-replace! weak-map-remove!
            weak-map-count weak-map-for-each weak-map-fold

            make-ephemeron ephemeron? ephemeron-broken? ephemeron-key
            ephemeron-datum reference-barrier

            make-weak-guardian weak-guardian? weak-guardian-file-descriptor
            weak-guardian-port))

(load-extension "libguile-gcweak" "gcw_guile_init")

;; The extension has defined its procedures in this module already.  Saying it
;; once more gives them their documentation, and tells the compiler of them.
(define (primitive name . documentation)
  (let ((procedure (module-ref (current-module) name)))
    (for-each (lambda (text)
                (set-procedure-property! procedure 'documentation text))
              documentation)
    procedure))

(define-syntax-rule (define-primitive name documentation ...)
  (define name (primitive 'name documentation ...)))

(define-syntax-rule (define-primitives name ...)
  (begin (define-primitive name) ...))

(define-primitives
  %same-handle? %keep %place-name %make-weak-reference
  %make-weak-method %method-self %method-procedure %method-parts %live
  %next %result %failed %exit
  %drain %drain-soon %drain-steps %stepping %make-cleanup %on-death
  %event-connect %event-steps %hub-connect %hub-port %hub-steps
  %dispatch-steps
  %set-reporter! %exit-handler-register %exit-handler-unregister
  %run-steps %run-at? %run-enter %run-leave %library-runs? %run-by-library
  %has-limit? %set-exit-limit %exit-unregister-object %exit-unregister-callee
  %status %exit-on-signal %claim-exit %main-thread?
  %map-for-each-first %map-fold-first %map-next %map-kind
  %make-guardian %guardian-add %guardian-next %guardian-file-descriptor
  %guardian-port
  <weak-reference> <weak-method> <cleanup> <event> <listener> <hub>
  <exit-registry> <exit-handler> <weak-map> <ephemeron>)

(define-primitive gcweak-version
  "Return the version of the library, a string.")


;;; Stepping through calls.

;; The library tells what is to be called, one after the other, and this module
;; calls it, on the stack of whoever asked for it: so a callback may suspend
;; its fiber, and escape.  What is stepped through is a vector of the
;; extension's (guile/step.c).

(define (report-failure what name key arguments)
  (let ((port (current-error-port)))
    (format port "gcweak: ~a~a:~%" what
            (if name (string-append " " (format #f "~a" name)) ""))
    (print-exception port #f key arguments)))

(%set-reporter! report-failure)

;; `exit' in a callback is the end of the process, on any thread.
(define (exit-or-ignore key . arguments)
  (when (eq? key 'quit)
    (%exit arguments)))

;; The current call of STEPS has thrown.
(define (tell-failure steps key arguments)
  (apply exit-or-ignore key arguments)
  (let ((news (%failed steps key)))
    (when news
      (apply (lambda (what name handler handle)
               (catch #t
                 (lambda ()
                   (if handler
                       (handler handle key arguments)
                       (report-failure what name key arguments)))
                 exit-or-ignore))
             news))))

;; BODY makes the calls that are left.  One catch does for all of them: after a
;; failure BODY begins anew, with the call behind that one.
(define (step-through steps body)
  (let again ()
    (unless (catch #t
              (lambda () (body) #t)
              (lambda (key . arguments)
                (tell-failure steps key arguments)
                #f))
      (again)))
  (%result steps))

;; All have the same arguments.
(define-syntax-rule (call-each first argument ...)
  (let ((steps first))
    (if steps
        (step-through steps
          (lambda ()
            (let loop ((procedure (%next steps)))
              (when procedure
                (let ((object (vector-ref steps 1)))
                  (if object
                      (procedure object argument ...)
                      (procedure argument ...)))
                (loop (%next steps))))))
        0)))

;; Each has its own.
(define (call-each-with-own steps)
  (step-through steps
    (lambda ()
      (let loop ((procedure (%next steps)))
        (when procedure
          (let ((object (vector-ref steps 1))
                (arguments (vector-ref steps 2)))
            (if object
                (apply procedure object arguments)
                (apply procedure arguments)))
          (loop (%next steps)))))))


;;; Weak references.

(define* (make-weak-reference obj #:key long?)
  "Return a weak reference to OBJ, which may be any object in the collected
heap.  References to one object are equal?, also when it is dead.  LONG?: it
shows OBJ until that is really gone: while it is finalized, and when a guardian
has brought it back."
  (%make-weak-reference obj long?))

(define-primitive weak-reference?
  "Return #t if X is a weak reference.")

(define-primitive weak-reference-value
  "Return the object of the weak reference REF, or #f if it is dead.")


;;; Weak methods.

(define* (make-weak-method obj proc #:key weak-procedure?)
  "Return a weak method, which calls (PROC OBJ argument ...) as long as OBJ is
alive.  OBJ is held weakly.  PROC is held strongly, and must not lead to OBJ,
which could never die then; see weak-lambda.

With WEAK-PROCEDURE? PROC is held weakly too, and the method is dead when
either has died: keep PROC in OBJ.  A procedure that is a constant of compiled
code never dies."
  (%make-weak-method obj proc weak-procedure?))

(define-syntax weak-lambda
  (lambda (form)
    "(weak-lambda (OBJ) ARGUMENTS BODY ...): a weak method of the object in the
variable OBJ.  In BODY the variable is a parameter of that name, so that the
procedure does not close over the object and thus keep it alive."
    (syntax-case form ()
      ((_ (obj) arguments body ...)
       (identifier? #'obj)
       #'(%make-weak-method obj
                            (lambda (obj . arguments) body ...))))))

(define-primitive weak-method?
  "Return #t if X is a weak method.")

(define weak-method-call
  (case-lambda
    "Call the weak method M with the arguments, after its object, and return
what its procedure returns.  Throw to dead-object if it is dead."
    ((m)
     (let ((obj (%method-self m)))
       ((%method-procedure m) obj)))
    ((m a)
     (let ((obj (%method-self m)))
       ((%method-procedure m) obj a)))
    ((m a b)
     (let ((obj (%method-self m)))
       ((%method-procedure m) obj a b)))
    ((m . arguments)
     (let ((obj (%method-self m)))
       (apply (%method-procedure m) obj arguments)))))

(define-primitive weak-method-alive?
  "Return #t if the weak method M is alive.  That may be out of date as soon as
it is known; to act on it, use weak-method-bind or call-with-live.")

(define (weak-method-bind m)
  "Return a procedure that holds the object of the weak method M and calls the
method, or #f if it is dead."
  (let ((parts (%method-parts m)))
    (and parts
         (lambda arguments
           (apply (cdr parts) (car parts) arguments)))))

(define* (call-with-live m proc #:optional when-dead)
  "Call PROC with the object of M, a weak method or a weak reference, and
return what it returns; the object stays alive until then.  If it is dead, call
WHEN-DEAD without arguments, or return #f."
  (let ((obj (%live m proc when-dead)))
    (cond
     (obj
      (call-with-values (lambda () (proc obj))
        (case-lambda
          ((result) (%keep obj) result)
          (results (%keep obj) (apply values results)))))
     (when-dead (when-dead))
     (else #f))))

(define-primitive weak-method=?
  "Return #t if the weak methods A and B have the same object and procedure.
That does not change when they die.")

(define-primitive weak-method-hash
  "Return a hash below SIZE of the weak method M, which goes with
weak-method=?.")

(define* (weak-method-on-death! m proc #:key (thread (current-thread)))
  "Call (PROC M) once when the weak method M dies, in THREAD, and return a
cleanup.  Throw to dead-object if it is dead already."
  (%on-death m proc thread))


;;; Cleanups.

(define-primitive make-cleanup
  "Call (PROC ARGUMENT ...) once when OBJ dies, in the thread that calls this,
and return a cleanup.  Neither PROC nor the arguments may lead to OBJ, which
could never die then.")

(define* (make-cleanup* obj thunk #:key (thread (current-thread))
                        (at-exit? #t))
  "Call THUNK once when OBJ dies, in THREAD, and return a cleanup.  Without
AT-EXIT? it does not run if OBJ is still alive when the process exits."
  (let ((cleanup (%make-cleanup obj thunk thread)))
    (unless at-exit?
      (set-cleanup-at-exit! cleanup #f))
    cleanup))

(define-primitive cleanup?
  "Return #t if X is a cleanup.")

(define-primitive cleanup-alive?
  "Return #t if the cleanup C has still to run.")

(define-primitive cleanup-target
  "Return the object of the cleanup C, or #f if that is dead or C is done.")

(define-primitive cleanup-run!
  "Run the cleanup C now, in this thread.  Return #t, or #f if it had run or
was detached.")

(define-primitive cleanup-detach!
  "Take the cleanup C off: it will not run.  Return #t, or #f if it was too
late.")

(define-primitive cleanup-at-exit?
  "Return #t if the cleanup C runs at exit, should its object live until
then.")

(define-primitive set-cleanup-at-exit!
  "Set whether the cleanup C runs at exit, should its object live until
then.")

(define-primitive set-cleanup-error-handler!
  "Call (PROC cleanup key arguments) for cleanups and death callbacks that
fail, in place of a report on the current error port; #f: report again.")


;;; Deaths.

(define-primitive dispose!
  "End the life of OBJ for everything weak, now: references read #f, methods
are dead, and its cleanups run soon.")

(define* (drain! #:optional (max 0))
  "Run the callbacks of deaths that are pending, at most MAX if that is given
and not 0, or send them to the threads that they belong to.  Return how many
there were.  This is seldom needed: it happens after each collection."
  (let ((steps (%drain-steps max))
        (turned-away (list #f)))
    (dynamic-wind
      (const #f)
      (lambda ()
        (with-fluids ((%stepping turned-away))
          (call-each-with-own steps)))
      (lambda ()
        (when (car turned-away)
          (set-car! turned-away #f)
          (%drain-soon))))))

(define (collect!)
  "Collect, then drain.  Return how many callbacks were run or sent on."
  (gc)
  (drain!))


;;; Events.

(define-primitive make-event
  "Return a new event.  NAME, a symbol or a string, is for reports.")

(define-primitive event?
  "Return #t if X is an event.")

(define (flags once? unique? front?)
  (logior (if once? 1 0) (if unique? 2 0) (if front? 4 0)))

(define* (event-connect! event callee #:key once? unique? front?)
  "Connect CALLEE, a weak method or a procedure, to EVENT, and return a
listener.  A procedure is held strongly.  ONCE?: disconnect it before its first
call.  UNIQUE?: not again, if an equal one is connected; its listener is
returned.  FRONT?: before those that are connected already."
  (%event-connect event callee (flags once? unique? front?)))

(define-primitive event-disconnect!
  "Disconnect CALLEE from EVENT.  Return how many listeners that were.")

(define event-emit
  (case-lambda
    "Call the listeners of EVENT in order, with the arguments; a weak method
gets its object before them.  Return how many were called.  A listener that
fails is reported, and the next is called; one that escapes leaves the
emission, too."
    ((event)
     (call-each (%event-steps event '())))
    ((event a)
     (call-each (%event-steps event (list a)) a))
    ((event a b)
     (call-each (%event-steps event (list a b)) a b))
    ((event . arguments)
     (let ((steps (%event-steps event arguments)))
       (if steps (call-each-with-own steps) 0)))))

(define-primitive event-count
  "Return how many listeners EVENT has.")

(define-primitive set-event-error-handler!
  "Call (PROC listener key arguments) for listeners of EVENT that fail, in
place of a report on the current error port; #f: report again.")

(define-primitive listener?
  "Return #t if X is a listener.")

(define-primitive listener-disconnect!
  "Disconnect the listener L from its event or hub.  Return #t, or #f if it was
not connected any more.")

(define-primitive listener-connected?
  "Return #t if the listener L is connected.")

(define-primitive listener-block!
  "Keep the listener L connected, but pass it over until it was unblocked as
often as it was blocked.")

(define-primitive listener-unblock!
  "Undo one listener-block!.")


;;; Hubs.

(define-primitive make-hub
  "Return a new hub: events told apart by a type and a source.")

(define-primitive hub?
  "Return #t if X is a hub.")

(define* (hub-connect! hub type source callee #:key once? front?)
  "Connect CALLEE, a weak method or a procedure, to what HUB emits of TYPE, a
symbol or a string, from the object SOURCE; #f stands for any.  Return a
listener; the same again if CALLEE was connected to just that.  A procedure is
called with the type, as a symbol, the source, and the arguments of the
emission; a method with its object before them.  SOURCE is held weakly."
  (%hub-connect hub type source callee (flags once? #f front?)))

(define-primitive hub-disconnect!
  "Disconnect CALLEE from just this TYPE and SOURCE of HUB.  Return #t, or #f
if it was not connected to them.")

(define (hub-emit hub type source . arguments)
  "Call the listeners of HUB that fit TYPE and SOURCE, in order, each callee
once.  Return how many were called.  All else is as with event-emit."
  (call-each-with-own (%hub-steps hub type source arguments)))

(define-primitive hub-post!
  "Leave an emission for hub-dispatch!, perhaps by another thread.")

(define* (hub-dispatch! hub #:optional (max 0))
  "Make the emissions that were posted to HUB, at most MAX if that is given and
not 0.  Return how many.  If a listener escapes, the emissions behind that one
stay posted."
  (call-each-with-own (%dispatch-steps hub max)))

(define-primitive hub-file-descriptor
  "Return the number of a file descriptor that is readable while there is
something to dispatch.  Keep HUB as long as it is watched.")

(define (hub-port hub)
  "Return a new port that is readable while there is something to dispatch, to
wait on.  It has a file descriptor of its own, and holds HUB.  Do not read it."
  (port-of (%hub-port hub) hub))

(define-primitive hub-size
  "Return an association list of the numbers of listeners, patterns, types,
posted emissions, and bytes in HUB.")

(define-primitive set-hub-error-handler!
  "Call (PROC listener key arguments) for listeners of HUB that fail, in place
of a report on the current error port; #f: report again.")


;;; Exit.

(define-primitive make-exit-registry
  "Return a new exit registry, which runs when told.")

(define-primitive default-exit-registry
  "Return the registry that runs when the process exits.")

(define-primitive exit-registry?
  "Return #t if X is an exit registry.")

(define* (exit-handler-register! callee #:key
                                 (registry (default-exit-registry))
                                 name keep? inherit? quick? (level 0)
                                 limit)
  "Register CALLEE, a weak method that takes no arguments after its object, or
a thunk, to be called when REGISTRY runs, those that were registered last
first.  Return a handler.  NAME, a symbol or a string, is for reports; without
one they have the procedure's name.  KEEP?: it stays for the next run.
INHERIT?: it runs in forked processes too.  QUICK?: it runs at quick_exit.
LEVEL, an integer, or first or last: those of higher levels run first.  LIMIT:
if its call takes longer, in milliseconds, the process ends; then the library runs
REGISTRY (see set-exit-limit!)."
  (%exit-handler-register callee registry name keep? inherit? quick? level
                          limit))

(define* (exit-unregister-object! obj #:optional
                                  (registry (default-exit-registry)))
  "Take all handlers off REGISTRY whose weak methods have the object OBJ.
Return how many there were, without those that are being called."
  (%exit-unregister-object obj registry))

(define* (exit-unregister-callee! callee #:optional
                                  (registry (default-exit-registry)))
  "Take all handlers off REGISTRY that were registered with CALLEE, the thunk or
an equal weak method.  Return how many there were, without those that are being
called."
  (%exit-unregister-callee callee registry))

;; The runs that are under way in Scheme, on any thread; and those of this
;; thread, by registry.
(define runs (make-atomic-box '()))
(define runs-here (make-thread-local-fluid '()))

(define (update-runs! change)
  (let loop ((old (atomic-box-ref runs)))
    (let ((seen (atomic-box-compare-and-swap! runs old (change old))))
      (unless (eq? seen old)
        (loop seen)))))

(define (exit-handler-unregister! handler)
  "Take HANDLER off.  Return one of the symbols removed; running, if it is
being called; or gone, if it has run, was taken off before or is dead."
  (let ((found (%exit-handler-unregister handler)))
    (if (and (eq? found 'gone)
             (any (lambda (steps) (%run-at? steps handler))
                  (atomic-box-ref runs)))
        'running
        found)))

(define-primitive exit-handler?
  "Return #t if X is an exit handler.")

(define (run-handlers steps status)
  (with-fluids ((%status status))
    (call-each-with-own steps)))

(define (begin-run registry status)
  (let ((steps (%run-steps registry status)))
    (dynamic-wind
      (lambda () (update-runs! (lambda (old) (cons steps old))))
      (lambda ()
        (with-fluids ((runs-here (acons registry steps
                                        (fluid-ref runs-here))))
          (run-handlers steps status)))
      (lambda () (update-runs! (lambda (old) (delq steps old)))))))

;; In a handler of that run, which goes on here.
(define (go-on-with-run steps status)
  (let ((place (%run-enter steps)))
    (dynamic-wind
      (const #f)
      (lambda () (run-handlers steps status))
      (lambda () (%run-leave steps place)))))

(define* (exit-registry-run! registry #:optional (status 0))
  "Run REGISTRY now, with STATUS, or 0.  Return how many handlers failed.  If a
handler escapes, those that are left stay registered.  With a limit, no handler
may escape: see set-exit-limit!."
  (define here (assoc registry (fluid-ref runs-here)))
  (cond ((%library-runs? registry) (%run-by-library registry status))
        (here (go-on-with-run (cdr here) status))
        ((%has-limit? registry) (%run-by-library registry status))
        (else (begin-run registry status))))

(define-primitive exit-registry-clear!
  "Take all handlers off the registry R, which can be used on.  Return how many
there were, without those that are being called.")

(define-primitive exit-registry-handlers
  "Return a list with an association list for each handler of the registry R, in
the order in which they would run: handler, #f for some of C's; name, or #f;
level; running; and age, in collections, or #f where it is not known.")

(define* (set-exit-limit! registry limit #:key abort?)
  "Limit how long the handlers of REGISTRY may take together, to LIMIT
milliseconds, or #f: as long as they like.  For the default registry, that is an
exit.  If it takes longer, a line on stderr says which handler hangs, and the
process ends; ABORT?: by abort.

From the first limit on, this or that of a handler, the library runs the registry,
as it does at exit: in exit-registry-run! too, handlers that escape have failed,
and none can suspend its fiber."
  (%set-exit-limit registry limit abort?))

(define-primitive set-exit-error-handler!
  "Call (PROC handler key arguments) for handlers of REGISTRY that fail, in
place of a report on the current error port; #f: report again.")

(define-primitive exit-status
  "Return the status of the run that calls this handler; #f outside of
handlers.")


;;; Signals.

;; On the thread that has asked, unless another exits already.  `exit' in
;; another thread than the main one would end only that.
(define (exit-as-asked)
  (when (%claim-exit)
    ((if (%main-thread?) exit primitive-exit) (+ 128 (exit-signal)))))

(define* (exit-on-signal sig #:key chain? force?)
  "Have the signal SIG lead to an exit, on the thread that asks first; then the
process dies by the signal.  A second one ends it at once.  Return #f if the
signal is ignored, and stays so.  CHAIN?: a handler that there is, as one of
sigaction, is called first.  FORCE?: also if it is ignored."
  (%exit-on-signal sig chain? force? exit-as-asked))

(define-primitive exit-off-signal
  "Take back what exit-on-signal did for SIG.  Return #f if it was not asked
for.")

(define-primitive exit-signal
  "Return the signal that has come, or #f.")

(define-primitive exit-signal-port
  "Return a port that is readable once a signal has come; from now on the
program exits by itself.")

(define-primitive exit-by-signal
  "Exit as primitive-exit does; then the process dies by SIG, or else by the
signal that has come, or by SIGTERM.")


;;; Weak maps.

(define-primitive make-weak-key-map
  "Return a new map from objects to values.  An entry lives as long as its key,
and holds its value until then, even if the value leads to the key.  Keys are
compared by eq?.")

(define-primitive make-weak-value-map
  "Return a new map whose entries live as long as their values, which are
objects, and hold their keys until then, which may be anything.")

(define-primitive make-doubly-weak-map
  "Return a new map from objects to objects whose entries live as long as key
and value both do, and hold neither.")

(define-primitive make-strong-value-map
  "Return a new map from objects to values whose entries live as long as their
keys.  The map holds the values, so one that leads to its key keeps it.")

(define-primitive weak-map?
  "Return #t if X is a weak map.")

(define-primitive weak-map-ref
  "Return the value that KEY has in MAP, or DEFAULT, or #f, if it has none.")

(define-primitive weak-map-set!
  "Let KEY have VALUE in MAP, whatever it had before.")

(define-primitive weak-map-setdefault!
  "Let KEY have VALUE in MAP, unless it has a value.  Return the value that it
then has.")

(define-primitive weak-map-replace!
  "Let KEY have VALUE in MAP, if what it has is EXPECTED, by eq?.  Return #t if
it was so.")

(define-primitive weak-map-remove!
  "Take the entry of KEY out of MAP.  Return the value that it had, or DEFAULT,
or #f, if it had none.")

(define-primitive weak-map-count
  "Return how many entries MAP has, none that is known to be dead.")

(define (weak-map-for-each proc map)
  "Call (PROC KEY VALUE) for each entry of MAP.  What is in it from the
beginning to the end comes once, what goes meanwhile does not come any more,
what is added may."
  (let ((walk (%map-for-each-first proc map)))
    (let loop ((entry (%map-next walk)))
      (when entry
        (proc (car entry) (cdr entry))
        (loop (%map-next walk))))))

(define (weak-map-fold proc init map)
  "Call (PROC KEY VALUE RESULT) for each entry of MAP, where RESULT is INIT and
then what the call before returned, and return the last.  Which entries come:
see weak-map-for-each."
  (let ((walk (%map-fold-first proc map)))
    (let loop ((entry (%map-next walk)) (result init))
      (if entry
          (let ((result (proc (car entry) (cdr entry) result)))
            (loop (%map-next walk) result))
          result))))


;;; Ephemerons, as in SRFI 124.

(define-primitive make-ephemeron
  "Return a new ephemeron, which holds DATUM as long as it and KEY are alive,
and does not hold KEY, even if DATUM leads to it.")

(define-primitive ephemeron?
  "Return #t if X is an ephemeron.")

(define-primitive ephemeron-broken?
  "Return #t if the key of the ephemeron E is dead.")

(define-primitive ephemeron-key
  "Return the key of the ephemeron E, or #f if it is broken.")

(define-primitive ephemeron-datum
  "Return the datum of the ephemeron E, or #f if it is broken.")

(define (reference-barrier key)
  "Keep KEY alive until this call, whose value is unspecified."
  (%keep key))


;;; Guardians.

;; Its handle is the library's.
(define-class <weak-guardian> (<applicable-struct>)
  (handle #:init-keyword #:handle))

(define (make-weak-guardian)
  "Return a new guardian.  (GUARDIAN OBJ) gives it an object, which it does not
hold; (GUARDIAN) returns an object that was given to it and has died, or #f.
(GUARDIAN OBJ REPRESENTATIVE) has it return that in place of the object."
  (let ((handle (%make-guardian)))
    (make <weak-guardian>
      #:handle handle
      #:procedure
      (case-lambda
        (() (%guardian-next handle))
        ((obj) (%guardian-add handle obj))
        ((obj representative) (%guardian-add handle obj representative))))))

(define (weak-guardian? x)
  "Return #t if X is a guardian of make-weak-guardian."
  (is-a? x <weak-guardian>))

(define (weak-guardian-file-descriptor guardian)
  "Return the number of a file descriptor that is readable while GUARDIAN has
something to return.  Keep GUARDIAN as long as it is watched."
  (%guardian-file-descriptor (if (weak-guardian? guardian)
                                 (slot-ref guardian 'handle)
                                 guardian)))

(define (weak-guardian-port guardian)
  "Return a new port that is readable while GUARDIAN has something to return,
to wait on.  It has a file descriptor of its own, and holds GUARDIAN.  Do not read
it."
  (port-of (%guardian-port (if (weak-guardian? guardian)
                               (slot-ref guardian 'handle)
                               guardian))
           guardian))


;;; Ports, which hold what they show.

(define shown-by (make-weak-key-map))

(define (port-of port shown)
  (weak-map-set! shown-by port shown)
  port)


;;; Equality and printing.

(define-syntax-rule (define-same type ...)
  (begin
    (define-method (equal? (a type) (b type))
      (%same-handle? a b))
    ...))

(define-same <weak-reference> <cleanup> <event> <listener> <hub>
  <exit-registry> <exit-handler>)

(define-method (equal? (a <weak-method>) (b <weak-method>))
  (weak-method=? a b))

(define (print-handle port . parts)
  (display "#<" port)
  (display (string-join (map (lambda (part) (format #f "~a" part)) parts))
           port)
  (display ">" port))

(define-syntax-rule (define-printer type (x) part ...)
  (begin
    (define-method (write (x type) port)
      (print-handle port part ...))
    (define-method (display (x type) port)
      (print-handle port part ...))))

;; Its arguments are those of Guile's own errors.
(set-exception-printer! 'dead-object
  (lambda (port key args default-printer)
    (if (= (length args) 4)
        (format port "In procedure ~a: ~a" (car args) (cadr args))
        (default-printer))))

(define (address x)
  (number->string (object-address x) 16))

(define-printer <weak-reference> (x)
  'weak-reference
  (if (weak-reference-value x) 'alive 'dead))
(define-printer <weak-method> (x)
  'weak-method
  (let ((parts (%method-parts x)))
    (if parts (cdr parts) 'dead)))
(define-printer <cleanup> (x)
  'cleanup
  (if (cleanup-alive? x) 'armed 'done))
(define-printer <event> (x)
  'event
  (or (%place-name x) (address x))
  (event-count x))
(define-printer <listener> (x)
  'listener
  (if (listener-connected? x) 'connected 'disconnected))
(define-printer <hub> (x)
  'hub
  (address x)
  (assq-ref (hub-size x) 'listeners))
(define-printer <exit-registry> (x)
  'exit-registry
  (or (%place-name x) (address x)))
(define-printer <exit-handler> (x)
  'exit-handler
  (address x))
(define-printer <weak-map> (x)
  'weak-map
  (%map-kind x)
  (weak-map-count x))
(define-printer <ephemeron> (x)
  'ephemeron
  (if (ephemeron-broken? x) 'broken 'whole))
(define-printer <weak-guardian> (x)
  'weak-guardian
  (address x))


(add-hook! after-gc-hook %drain)
