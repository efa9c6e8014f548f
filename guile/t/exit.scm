;;; exit.scm: programs that end in one way or another; the first argument
;;; tells in which.  t/guile.t knows what each must say, and with which status
;;; it must end.

(use-modules (gcweak) (ice-9 threads) (ice-9 control) (ice-9 atomic)
             (srfi srfi-1) (system foreign))

(define object (vector 'kept))

;; What a program says is not flushed here: that must happen by itself.
(define (say . words)
  (for-each display words)
  (newline))

(define (say-status object)
  (say "handler " (vector-ref object 0) " " (exit-status)))

;; The handler of most programs: at exit it says which status there is.
(define (expect-exit)
  (exit-handler-register! (make-weak-method object say-status)))

(define (register name thunk)
  (exit-handler-register! thunk #:name name))

;; Waits until a box that threads share is true; for ever if there is none.
(define* (wait #:optional (box (make-atomic-box #f)))
  (unless (atomic-box-ref box)
    (usleep 1000)
    (wait box)))

;;; --- Ways to end -----------------------------------------------------------

(define (end-of-script) (expect-exit))
(define (exit-without) (expect-exit) (exit))
(define (exit-3) (expect-exit) (exit 3))
(define (exit-false) (expect-exit) (exit #f))
(define (exit-true) (expect-exit) (exit #t))
(define (quit-4) (expect-exit) (quit 4))
(define (an-error) (expect-exit) (car 'no-pair))
(define (a-throw) (expect-exit) (throw 'unknown-key 1 2))
(define (primitive-exit-5) (expect-exit) (primitive-exit 5))
(define (primitive-underscore-exit) (expect-exit) (primitive-_exit 6))
(define (signal-default)
  (expect-exit)
  (kill (getpid) SIGTERM)
  (sleep 60))

(define (signal-handler)
  (expect-exit)
  (sigaction SIGTERM (lambda (signal) (exit 7)))
  (kill (getpid) SIGTERM)
  (wait))

(define (other-thread)
  (expect-exit)
  (call-with-new-thread (lambda () (primitive-exit 8)))
  (wait))

(define (run-away)
  (expect-exit)
  (execlp "true" "true"))

(define (in-dynamic-wind)
  (expect-exit)
  (dynamic-wind
    (const #f)
    (lambda () (exit 9))
    (lambda () (say "unwound"))))

;; C's quick_exit runs only those that ask for it.
(define (quick-exit)
  (expect-exit)
  (exit-handler-register! (lambda () (say "quick") (force-output))
                          #:quick? #t)
  ((pointer->procedure void (dynamic-func "quick_exit" (dynamic-link))
                       (list int))
   16))

;; The end comes while other threads are at work.
(define (busy-threads)
  (define event (make-event))
  (define at-work (make-atomic-box #f))
  (define listener
    (event-connect! event (lambda (n)
                            (make-list n #t)
                            (atomic-box-set! at-work #t))))
  (define (work)
    (make-cleanup (vector 1) list)
    (event-emit event 100)
    (work))
  (expect-exit)
  (for-each (lambda (i) (call-with-new-thread work)) (iota 4))
  (wait at-work)
  (exit 17))

;;; --- What runs -------------------------------------------------------------

(define (order)
  (register "a" (lambda () (say "a")))
  (register "b" (lambda ()
                  (say "b")
                  (register "new" (lambda () (say "new")))))
  (register "c" (lambda () (say "c"))))

;; A few of many may have been kept alive by chance.
(define (make-dropped n)
  (unless (zero? n)
    (let ((dropped (vector n)))
      (exit-handler-register! (make-weak-method dropped called-for-a-dropped))
      (vector-set! dropped 0 'dropped))
    (make-dropped (1- n))))
(define calls-for-dropped 0)
(define (called-for-a-dropped self)
  (set! calls-for-dropped (1+ calls-for-dropped))
  (when (= calls-for-dropped 6) (say "six dropped objects live")))

(define (dead)
  (make-dropped 100)
  (collect!)
  (let ((disposed (vector 1)))
    (exit-handler-register!
     (make-weak-method disposed (lambda (self) (say "disposed"))))
    (dispose! disposed))
  (expect-exit))

(define (no-asyncs)
  (call-with-blocked-asyncs
   (lambda ()
     (let ((late (vector 1)))
       (make-cleanup late say "pending")
       (dispose! late)
       (register "handler" (lambda () (say "handler")))
       (exit 0)))))

(define (cleanups)
  (make-cleanup object say "first")
  (make-cleanup object say "second " 2)
  (make-cleanup* object (lambda () (say "never")) #:at-exit? #f)
  (set-cleanup-at-exit! (make-cleanup object say "never either") #f)
  (register "handler" (lambda () (say "handler"))))

;; Leaves two callbacks with a thread that does not look at them.
(define (send-mail)
  (define ready (make-atomic-box #f))
  (define lost (vector 1))
  (call-with-new-thread
   (lambda ()
     (make-cleanup lost say "first")
     (make-cleanup lost say "second")
     (call-with-blocked-asyncs
      (lambda ()
        (atomic-box-set! ready #t)
        (wait)))))
  (wait ready)
  (dispose! lost)
  (drain!))

(define (mail)
  (send-mail)
  (register "handler" (lambda () (say "handler"))))

(define (unregistered)
  (define running #f)
  (define taken (register "taken" (lambda () (say "not this one"))))
  (say (exit-handler-unregister! taken))
  (say (exit-handler-unregister! taken))
  (set! running
    (register "running"
      (lambda () (say (exit-handler-unregister! running))))))

(define (quit-inside)
  (register "a" (lambda () (say "a")))
  (register "quits" (lambda () (say "quits") (quit 3)))
  (register "b" (lambda () (say "b")))
  (exit 1))

(define (quit-twice)
  (expect-exit)
  (register "last" (lambda () (exit 12)))
  (register "first" (lambda () (exit 11)))
  (exit 10))

(define (quit-in-cleanup)
  (define other (vector 1))
  (expect-exit)
  (make-cleanup other (lambda () (say "cleanup") (exit 13)))
  (dispose! other)
  (drain!)
  (say "not here"))

(define (quit-in-listener)
  (define event (make-event))
  (expect-exit)
  (event-connect! event (lambda () (exit 14)))
  (event-emit event)
  (say "not here"))

;; `exit' in a thread ends only the thread, but in a callback the program.
(define (quit-in-thread)
  (define event (make-event))
  (expect-exit)
  (event-connect! event (lambda () (exit 15)))
  (call-with-new-thread (lambda () (event-emit event)))
  (wait))

;;; --- Failures --------------------------------------------------------------

(define (failing)
  (register "a" (lambda () (say "a")))
  (register "bad-name" (lambda () (error "no such luck:" 13)))
  (register #f (lambda () (throw 'some-key)))
  (register "b" (lambda () (say "b")))
  (exit 2))

(define (failing-method)
  (exit-handler-register!
   (make-weak-method object (lambda (self) (error "method of" self)))
   #:name "with-object")
  (expect-exit))

(define (failing-with-handler)
  (define bad #f)
  (set-exit-error-handler! (default-exit-registry)
    (lambda (handler key args)
      (say "heard " (equal? handler bad) " " key " " args)
      (error "ignored")))
  (register "a" (lambda () (say "a")))
  (set! bad (register "bad" (lambda () (throw 'some-key 1 2)))))

(define (escaping)
  (register "a" (lambda () (say "a")))
  (let/ec escape
    (register "escapes" (lambda () (escape 1)))
    (call/cc
     (lambda (k)
       (register "continues" (lambda () (k 1)))
       (call-with-prompt 'tag
         (lambda ()
           (register "aborts" (lambda () (abort-to-prompt 'tag)))
           (register "b" (lambda () (say "b")))
           (primitive-exit 0))
         (lambda _ (say "aborted"))))))
  (say "end"))

;; The program runs the registry itself: there they may escape.
(define (leaving)
  (register "a" (lambda () (say "a " (exit-status))))
  (register "leaves" (lambda () (abort-to-prompt 'tag)))
  (register "b" (lambda () (say "b " (exit-status))))
  (call-with-prompt 'tag
    (lambda () (exit-registry-run! (default-exit-registry) 4))
    (lambda _ (say "left"))))

;; At exit, a handler runs the rest.
(define (run-inside)
  (register "a" (lambda () (say "a " (exit-status))))
  (register "kept"
    (lambda ()
      (say "failed " (exit-registry-run! (default-exit-registry) 4))
      (say "kept " (exit-status)))))

(define (late)
  (make-cleanup object
    (lambda ()
      (say "cleanup")
      (register "late" (lambda () (say "late")))))
  (register "early" (lambda () (say "early"))))

;;; --- Registries of one's own -----------------------------------------------

(define (registries)
  (define flush (make-exit-registry "flush"))
  (define (add name . options)
    (apply exit-handler-register! (lambda () (say name " " (exit-status)))
           #:registry flush options))
  (say (exit-registry? flush) (exit-registry? (default-exit-registry))
       (exit-registry? object) (equal? flush (make-exit-registry)))
  (say (exit-handler? (add "once")) (exit-handler? flush))
  (add "kept" #:keep? #t)
  (exit-handler-register! (make-weak-method object say-status)
                          #:registry flush)
  (say "failed " (exit-registry-run! flush 5))
  (exit-handler-register! (lambda () (car 1)) #:registry flush)
  (say "failed "
       (parameterize ((current-error-port (open-output-string)))
         (exit-registry-run! flush)))
  (say "outside " (exit-status)))

(define (run-early)
  (expect-exit)
  (say "failed " (exit-registry-run! (default-exit-registry) 3))
  (say "again")
  (expect-exit))

;;; --- Levels ----------------------------------------------------------------

(define (levels)
  (define (add level)
    (exit-handler-register! (lambda () (say level)) #:level level))
  (for-each add '(first -1 last 2 0))
  (register "zero too" (lambda () (say "newest of 0"))))

;; In a run that Scheme steps through, too.
(define (levels-of-a-run)
  (define registry (make-exit-registry))
  (define (add level thunk)
    (exit-handler-register! thunk #:registry registry #:level level))
  (add 'last (lambda () (say "last")))
  (add 0 (lambda ()
           (say "zero")
           (add -1 (lambda () (say "below")))
           (add 1 (lambda () (say "above")))))
  (add 3 (lambda () (say "three")))
  (say (map (lambda (handler) (assq-ref handler 'level))
            (exit-registry-handlers registry)))
  (exit-registry-run! registry))

;;; --- Many at once ----------------------------------------------------------

(define (called self) (say "called for " self))

(define (take-off)
  (define other (vector 'other))
  (define registry (make-exit-registry))
  (define (add callee) (exit-handler-register! callee #:registry registry))
  (define (thunk) (say "thunk"))
  (define method (make-weak-method object called))
  (for-each add (list thunk method (make-weak-method other called) thunk
                      (make-weak-method object called)
                      (make-weak-method object say-status)))
  (exit-handler-register! thunk)
  (exit-handler-register! method)
  (say (exit-unregister-callee! thunk registry)
       (exit-unregister-callee! thunk registry)
       (exit-unregister-callee! method registry))
  (say (length (exit-registry-handlers registry)))
  (say (exit-unregister-object! object registry)
       (exit-unregister-object! object registry))
  (exit-registry-run! registry 1)
  (let ((dead (make-weak-method other called)))
    (dispose! other)
    (say (exit-unregister-callee! dead registry)))
  (say (exit-unregister-callee! thunk) (exit-unregister-object! object)
       (exit-unregister-object! object)))

(define (clear)
  (define registry (make-exit-registry))
  (expect-exit)
  (register "b" (lambda () (say "b")))
  (exit-handler-register! (lambda () (say "stays")) #:registry registry)
  (say (exit-registry-clear! (default-exit-registry))
       (exit-registry-clear! (default-exit-registry)))
  (register "handler" (lambda () (say "used on")))
  (exit-registry-run! registry))

;; One that is called is not counted.
(define (clear-within)
  (register "a" (lambda () (say "a")))
  (register "clears" (lambda ()
                       (say (exit-registry-clear! (default-exit-registry)))))
  (exit 3))

(define (handlers)
  (define (show)
    (for-each (lambda (handler)
                (say (map (lambda (key) (assq-ref handler key))
                          '(name level running))))
              (exit-registry-handlers (default-exit-registry))))
  (define given
    (exit-handler-register! show #:name "given" #:keep? #t))
  (say (equal? given (assq-ref (car (exit-registry-handlers
                                     (default-exit-registry)))
                               'handler)))
  (exit-handler-register! show #:level 2)
  (expect-exit)
  (exit-handler-register! (lambda () (say "it is their turn")))
  (show))

;; Functions of C have no handle.
(define (handlers-of-c)
  (define library (dynamic-link "libgcweak"))
  ((pointer->procedure int (dynamic-func "gcw_atexit" library) '(*))
   (dynamic-func "sync" (dynamic-link)))
  (say (map (lambda (key)
              (assq-ref (car (exit-registry-handlers (default-exit-registry)))
                        key))
            '(handler name level running))))

;; How many collections a handler has lived.
(define (age)
  (define registry (make-exit-registry))
  (define (age)
    (assq-ref (car (exit-registry-handlers registry)) 'age))
  (exit-handler-register! (lambda () 1) #:registry registry #:name "old")
  (let ((before (age)))
    (gc)
    (gc)
    (say (>= (- (age) before) 2))))

;;; --- Limits ----------------------------------------------------------------

(define (hang)
  (say "hangs")
  (force-output)
  (sleep 60)
  (say "not stopped"))

(define (limit-of-handler)
  (register "not reached" (lambda () (say "not reached")))
  (exit-handler-register! hang #:limit 300)
  (exit-handler-register! (lambda () (say "in time")) #:limit 60000)
  (exit 3))

(define (limit-of-exit)
  (register "sticks" hang)
  (set-exit-limit! (default-exit-registry) 300)
  (exit 4))

;; The name of a method's procedure.
(define (limit-of-run)
  (define registry (make-exit-registry))
  (define (sticking self) (hang))
  (set-exit-limit! registry 300)
  (exit-handler-register! (make-weak-method object sticking)
                          #:registry registry)
  (exit-registry-run! registry 5)
  (say "not reached"))

(define (limit-of-handler-in-run)
  (define registry (make-exit-registry))
  (exit-handler-register! hang #:registry registry #:limit 300)
  (exit-registry-run! registry 6)
  (say "not reached"))

(define (limit-aborts)
  (register "sticks" hang)
  (set-exit-limit! (default-exit-registry) 300 #:abort? #t))

(define (limit-taken-back)
  (define registry (make-exit-registry))
  (define (add . options)
    (apply exit-handler-register! (lambda () (usleep 100000) (say "slow"))
           #:registry registry options))
  (set-exit-limit! registry 20)
  (set-exit-limit! registry #f)
  (add)
  (add #:limit #f)
  (add #:limit 0)
  (say "failed " (exit-registry-run! registry)))

;; The library calls; failures are told of, and nothing leaves a handler.
(define (limited-run)
  (define registry (make-exit-registry))
  (define (add thunk . options)
    (apply exit-handler-register! thunk #:registry registry options))
  (set-exit-error-handler! registry
    (lambda (handler key args)
      (say "heard " (exit-handler? handler) " " key)))
  (set-exit-limit! registry 60000)
  (add (lambda () (say "last " (exit-status))))
  (add (lambda () (throw 'some-key)))
  (add (lambda () (abort-to-prompt 'tag)))
  (add (lambda ()
         (say "inside " (exit-registry-run! registry 8))
         (say "outer " (exit-status))))
  (call-with-prompt 'tag
    (lambda () (say "failed " (exit-registry-run! registry 7)))
    (lambda _ (say "left")))
  (say "outside " (exit-status)))

;; A run that is under way goes on as it was.
(define (limit-during-run)
  (define registry (make-exit-registry))
  (define (add thunk) (exit-handler-register! thunk #:registry registry))
  (add (lambda () (say "rest")))
  (add (lambda () (abort-to-prompt 'tag)))
  (add (lambda ()
         (set-exit-limit! registry 60000)
         (say "rest " (exit-registry-run! registry))))
  (call-with-prompt 'tag
    (lambda () (exit-registry-run! registry))
    (lambda _ (say "left")))
  (say "failed " (exit-registry-run! registry)))

;;; --- Fork ------------------------------------------------------------------

(define* (in-child thunk)
  (force-output)
  (let ((pid (primitive-fork)))
    (if (zero? pid)
        (begin (thunk) (exit 20))
        (say "child " (status:exit-val (cdr (waitpid pid)))))))

(define (fork)
  (exit-handler-register! (lambda () (say "parent's")))
  (exit-handler-register! (lambda () (say "inherited")) #:inherit? #t)
  (make-cleanup object say "parent's cleanup")
  (in-child (lambda () (exit-handler-register! (lambda () (say "child's"))))))

(define (fork-deaths)
  (define dying (vector 1))
  (make-cleanup dying say "died in " 'one)
  (in-child (lambda ()
              (say "in the child")
              (dispose! dying)
              (drain!)))
  (say "in the parent")
  (dispose! dying)
  (drain!))

;; The callback belongs to a thread that the child does not have.
(define (fork-threads)
  (define ready (make-atomic-box #f))
  (define stop (make-atomic-box #f))
  (define dying (vector 1))
  (define parent (getpid))
  (define thread
    (call-with-new-thread
     (lambda ()
       (make-cleanup dying
         (lambda ()
           (say "died in the " (if (= (getpid) parent) "parent" "child"))))
       (atomic-box-set! ready #t)
       (wait stop))))
  (wait ready)
  (parameterize ((current-warning-port (open-output-string)))
    (in-child (lambda () (dispose! dying) (drain!) (say "drained"))))
  (atomic-box-set! stop #t)
  (join-thread thread)
  (dispose! dying)
  (drain!))

;; What was sent to a thread before the fork, and not taken, is in both.
(define (fork-mail)
  (send-mail)
  (parameterize ((current-warning-port (open-output-string)))
    (in-child (lambda () (say "in the child")))))

;; Says so when nearly all of a hundred have died.
(define (make-dropped-cleanups n)
  (unless (zero? n)
    (make-cleanup* (vector n) count-down #:at-exit? #f)
    (make-dropped-cleanups (1- n))))
(define living 100)
(define (count-down)
  (set! living (1- living))
  (when (= living 5) (say "dropped in the child")))

(define (fork-all)
  (define event (make-event))
  (define hub (make-hub))
  (define method (weak-lambda (object) (n) (vector-ref object 0)))
  (event-connect! event (lambda (n) (say "heard " n)))
  (hub-connect! hub 'a #f (lambda (type source n) (say "heard " type n)))
  (hub-post! hub 'a #f 3)
  (in-child (lambda ()
              (say (weak-method-call method 1))
              (event-emit event 2)
              (hub-dispatch! hub)
              (make-dropped-cleanups 100)
              (collect!)))
  (hub-dispatch! hub))

;; The child has a copy, of which what dies there goes.
(define (fork-maps)
  (define map (make-weak-key-map))
  (define ephemeron (make-ephemeron object 'datum))
  (weak-map-set! map object 1)
  (in-child (lambda ()
              (say (weak-map-ref map object) " " (ephemeron-datum ephemeron))
              (weak-map-set! map object 2)
              (for-each (lambda (n) (weak-map-set! map (vector n) n))
                        (iota 100))
              (collect!)
              (say (weak-map-ref map object) " "
                   (< (weak-map-count map) 7))))
  (say (weak-map-ref map object) " " (weak-map-count map)))

;; What is queued is in both, whoever takes it.
(define (fork-guardian)
  (define guardian (make-weak-guardian))
  (guardian object 'it)
  (dispose! object)
  (in-child (lambda () (say (guardian) " " (guardian))))
  (say (guardian) " " (guardian)))

;;; --- Signals ---------------------------------------------------------------

;; What a process of its own does; its parent says how it has ended.
(define (say-end-of thunk)
  (define child (primitive-fork))
  (when (zero? child)
    (thunk)
    (primitive-_exit 98))
  (let ((status (cdr (waitpid child))))
    (say "killed by " (status:term-sig status) ", status "
         (status:exit-val status))
    (force-output)))

(define-syntax-rule (define-end (name) body ...)
  (define (name)
    (say-end-of (lambda () body ... (wait)))))

(define (signal-myself sig)
  (kill (getpid) sig))

;; The end of all but two.
(define (end-by sig)
  (exit-on-signal sig)
  (signal-myself sig))

(define-end (signal-orderly)
  (expect-exit)
  (end-by SIGTERM))

(define-end (signal-unwinds)
  (dynamic-wind
    (const #f)
    (lambda ()
      (end-by SIGTERM)
      (let loop () (loop)))
    (lambda () (say "unwound"))))

;; It is not in Scheme: another thread exits.
(define-end (signal-while-reading)
  (expect-exit)
  (end-by SIGTERM)
  (read-char (car (pipe))))

(define-end (signal-twice)
  (expect-exit)
  (register "hangs" (lambda ()
                      (say "hangs")
                      (force-output)
                      (signal-myself SIGTERM)
                      (wait)))
  (end-by SIGTERM))

(define-end (signal-in-exit)
  (expect-exit)
  (exit-on-signal SIGTERM)
  (register "signal" (lambda ()
                       (signal-myself SIGTERM)
                       (usleep 10000)
                       (say "goes on, " (exit-signal))))
  (exit 3))

(define-end (signal-ignored)
  (sigaction SIGHUP SIG_IGN)
  (say (exit-on-signal SIGHUP) (exit-on-signal SIGHUP #:chain? #t))
  (signal-myself SIGHUP)
  (say (exit-signal) (exit-off-signal SIGHUP))
  (say (exit-on-signal SIGHUP #:force? #t))
  (signal-myself SIGHUP))

(define-end (signal-with-handler)
  (define heard (make-atomic-box #f))
  (sigaction SIGTERM (lambda (sig) (atomic-box-set! heard sig)))
  (say (catch 'system-error
         (lambda () (exit-on-signal SIGTERM))
         (lambda args (= EBUSY (system-error-errno args)))))
  (exit-signal-port)
  (exit-on-signal SIGTERM #:chain? #t)
  (signal-myself SIGTERM)
  (wait heard)
  (say (exit-signal))
  (exit-by-signal))

(define-end (signal-taken-back)
  (expect-exit)
  (exit-on-signal SIGTERM)
  (say (exit-off-signal SIGTERM) (exit-off-signal SIGTERM))
  (force-output)
  (signal-myself SIGTERM))

(define-end (signal-port)
  (define port (exit-signal-port))
  (define (ready? seconds)
    (pair? (car (select (list port) '() '() seconds))))
  (expect-exit)
  (exit-on-signal SIGINT)
  (say (ready? 0))
  (signal-myself SIGINT)
  (say (ready? 60))
  (exit (+ 128 (exit-signal))))

(define-end (signal-by-hand)
  (expect-exit)
  (exit-by-signal SIGUSR1))

;; The child is not asked to; then it asks itself.
(define-end (signal-in-child)
  (exit-handler-register! (lambda () (say "inherited") (force-output))
                          #:inherit? #t)
  (exit-on-signal SIGTERM)
  (say-end-of (lambda () (signal-myself SIGTERM)))
  (say-end-of (lambda () (end-by SIGTERM) (wait)))
  (say (exit-signal))
  (force-output)
  (signal-myself SIGTERM))

((eval (string->symbol (last (command-line))) (current-module)))
