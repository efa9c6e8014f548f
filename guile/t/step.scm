;;; step.scm: callbacks that suspend their fiber and are resumed.
;;;
;;; A fiber is a delimited continuation here, as it is in Guile's libraries of
;;; fibers: (suspend) in a fiber returns to who has started or resumed it.

(use-modules (gcweak) (t tap) (srfi srfi-1) (ice-9 atomic)
             (ice-9 control) (ice-9 format)
             (ice-9 threads) (system foreign))

;; Runs THUNK as a fiber, until it ends or suspends itself.  Returns a
;; procedure that resumes it in the same way, or what THUNK has returned, in a
;; list.
(define (start thunk)
  (call-with-prompt 'fiber
    (lambda () (list (thunk)))
    (lambda (k . values)
      (lambda () (start (lambda () (car (k))))))))

(define (suspend)
  (abort-to-prompt 'fiber))

;; Resumes a fiber until it has ended.
(define (finish-fiber fiber)
  (if (procedure? fiber) (finish-fiber (fiber)) fiber))

(define (noting)
  (let ((notes '()))
    (values (lambda (what) (set! notes (cons what notes)))
            (lambda () (let ((all (reverse notes))) (set! notes '()) all)))))

(define (in-thread thunk)
  (join-thread (call-with-new-thread thunk)))

(define (test-event)
  (define-values (note noted) (noting))
  (define event (make-event))
  (define object (new-target))
  (event-connect! event (lambda (n) (note 'before) (suspend) (note 'after)))
  (event-connect! event (make-weak-method object (lambda (self n)
                                                   (suspend)
                                                   (note n))))
  (event-connect! event (lambda (n) (note 'last)))
  (let* ((first (start (lambda () (event-emit event 7))))
         (in-first (noted))
         (second (first))
         (in-second (noted))
         (end (second)))
    (ok "a listener suspends its fiber" (procedure? first))
    (is "then nothing else is called" in-first '(before))
    (is "resumed, it goes on, and so do the others" in-second '(after))
    (is "methods suspend theirs as well" (noted) '(7 last))
    (is "the emission tells how many it called" end '(3))
    (vector-ref object 0)))

(define (test-arguments)
  (define event (make-event))
  (define-values (note noted) (noting))
  (event-connect! event (lambda arguments (suspend) (note arguments)))
  (for-each (lambda (n)
              (is (format #f "a fiber may be suspended with ~a arguments" n)
                  (list (finish-fiber
                         (start (lambda () (apply event-emit event (iota n)))))
                        (noted))
                  (list '(1) (list (iota n)))))
            '(0 1 2 3 20)))

(define (test-other-thread)
  (define event (make-event))
  (define-values (note noted) (noting))
  (define here (current-thread))
  (define (note-place) (note (if (eq? (current-thread) here) 'here 'there)))
  (event-connect! event (lambda () (note-place) (suspend) (note-place)))
  (event-connect! event (lambda () (note-place) (car 1)))
  (event-connect! event note-place)
  (let* ((fiber (start (lambda () (event-emit event))))
         (end #f)
         (report (report-of (lambda () (set! end (in-thread fiber))))))
    (is "it may be resumed on another thread" (noted)
        '(here there there there))
    (is "which ends the emission" end '(3))
    (ok "failures are reported there" (contains? report "gcweak: listener"))))

;; Each has an emission of its own.
(define (test-many-fibers)
  (define event (make-event))
  (define calls 0)
  (do ((i 0 (1+ i))) ((= i 10))
    (event-connect! event (lambda () (suspend) (set! calls (1+ calls)))))
  (let loop ((fibers (map (lambda (i) (start (lambda () (event-emit event))))
                          (iota 100))))
    (if (any procedure? fibers)
        (loop (map (lambda (fiber)
                     (if (procedure? fiber) (fiber) fiber))
                   fibers))
        (is "a hundred fibers emit one event by turns"
            (delete-duplicates fibers) '((10)))))
  (is "each calls all its listeners" calls 1000))

(define (test-changes-while-suspended)
  (define event (make-event))
  (define-values (note noted) (noting))
  (define object (new-target))
  (event-connect! event suspend)
  (event-connect! event (make-weak-method object (lambda (self) (note 'dead))))
  (define other (event-connect! event (lambda () (note 'disconnected))))
  (event-connect! event (lambda () (note 'last)))
  (let ((fiber (start (lambda () (event-emit event)))))
    (dispose! object)
    (listener-disconnect! other)
    (event-connect! event (lambda () (note 'new)))
    (gc)
    (is "who has gone while it was suspended is passed over, who came waits"
        (list (fiber) (noted)) '((2) (last)))))

;; What is never resumed leaves nothing behind.
(define (test-never-resumed)
  (define event (make-event))
  (define calls 0)
  (define fibers #f)
  (event-connect! event suspend)
  (event-connect! event (lambda () (set! calls (1+ calls))))
  (define references
    (make-many
     (lambda (i)
       (on-new-target
        (lambda (object)
          (event-connect! event (make-weak-method object
                                                  (lambda (self) (suspend)))
                          #:front? #t #:once? #t)
          (start (lambda () (event-emit event)))
          (make-weak-reference object))))
     100))
  (ok "the objects of methods in fibers that are dropped die"
      (until (lambda ()
               (nearly-all? (count (negate weak-reference-value) references)
                            100))))
  (finish-fiber (start (lambda () (event-emit event))))
  (is "the event is as before" (list (event-count event) calls) '(2 1)))

;; Four threads leave their fibers to each other, while a fifth collects.
(define (test-storm)
  (define event (make-event))
  (define parked (make-atomic-box '(3)))
  (define object (new-target))
  (event-connect! event (make-weak-method object (lambda (self) (suspend))))
  (event-connect! event (lambda () (make-list 10 #t)))
  (event-connect! event suspend #:front? #t)
  (define (exchange)
    (finish-fiber
     (atomic-box-swap! parked (start (lambda () (event-emit event))))))
  (define (work)
    (every (lambda (i) (equal? (exchange) '(3))) (iota 500)))
  (is "fibers go from thread to thread in a storm"
      (in-storm (lambda ()
                  (map join-thread
                       (map (lambda (i) (call-with-new-thread work))
                            (iota 4)))))
      '(#t #t #t #t))
  (is "the last one, too" (finish-fiber (atomic-box-ref parked)) '(3))
  (vector-ref object 0))

(define (test-failures)
  (define event (make-event))
  (define-values (note noted) (noting))
  (event-connect! event (lambda () (suspend) (throw 'oh 1)))
  (event-connect! event (lambda () (note 'next)))
  (set-event-error-handler! event
    (lambda (listener key args) (suspend) (note (cons key args))))
  (is "a listener may fail after it was resumed; so may an error handler wait"
      (list (finish-fiber (start (lambda () (event-emit event)))) (noted))
      '((2) ((oh 1) next)))
  (set-event-error-handler! event (lambda _ (abort-to-prompt 'other)))
  (is "or escape"
      (call-with-prompt 'other
        (lambda () (finish-fiber (start (lambda () (event-emit event)))))
        (const 'left))
      'left))

(define (test-deep)
  (define event (make-event))
  (define deepest 0)
  (event-connect! event
    (lambda (n)
      (set! deepest (max n deepest))
      (when (< n 20000) (event-emit event (1+ n)))))
  (event-emit event 1)
  (is "emissions within emissions need no stack of C" deepest 20000))

(define (test-many-failures)
  (define event (make-event))
  (define heard 0)
  (do ((i 0 (1+ i))) ((= i 20000))
    (event-connect! event (lambda () (car i))))
  (set-event-error-handler! event (lambda _ (set! heard (1+ heard))))
  (is "20,000 listeners fail in one emission" (event-emit event) 20000)
  (is "and are heard of" heard 20000))

(define (test-hub)
  (define hub (make-hub))
  (define-values (note noted) (noting))
  (hub-connect! hub 'a #f (lambda (type source . args) (suspend) (note args)))
  (hub-connect! hub #f #f (lambda (type . rest) (note type)))
  (is "a hub's listeners suspend their fiber"
      (list (finish-fiber (start (lambda () (hub-emit hub 'a #f 1)))) (noted))
      '((2) ((1) a)))
  (hub-post! hub 'a #f 1)
  (hub-post! hub 'b #f)
  (hub-post! hub 'a #f 2)
  (let ((fiber (start (lambda () (hub-dispatch! hub)))))
    (is "at the dispatch too; another goes on with what is posted"
        (list (noted) (hub-dispatch! hub 1) (noted)) '(() 1 (b)))
    (is "and the first with the rest"
        (list (finish-fiber (in-thread fiber)) (noted))
        '((2) ((1) a (2) a)))))

(define (test-drain)
  (define-values (note noted) (noting))
  (define object (new-target))
  (make-cleanup object note 'last)
  (make-cleanup object (lambda () (suspend) (note 'resumed)))
  (make-cleanup object (lambda () (abort-to-prompt 'other)))
  (call-with-blocked-asyncs (lambda ()
    (dispose! object)
    (is "a cleanup escapes from drain!"
        (call-with-prompt 'other drain! (const 'left)) 'left)
    (let ((fiber (start drain!)))
      (is "and suspends its fiber" (noted) '())
      (is "another drain takes the rest" (list (drain! 1) (noted)) '(1 (last)))
      (is "it is resumed" (list (fiber) (noted)) '((1) (resumed)))))))

;; A drain that is suspended does not keep others from draining by themselves.
(define (test-suspended-drain)
  (define ran #f)
  (define object (new-target))
  (define fiber #f)
  (make-cleanup object suspend)
  (call-with-blocked-asyncs
   (lambda ()
     (dispose! object)
     (set! fiber (start drain!))))
  (let ((other (new-target)))
    (make-cleanup other (lambda () (set! ran #t)))
    (dispose! other)
    (vector-ref other 0))
  (ok "while a drain is suspended, callbacks come" ran)
  (is "it ends when it is resumed" (fiber) '(1)))

;; What is turned away, because a drain is at work, comes after it, though that
;; is left.
(define (test-death-within-drain)
  (define ran 'no)
  (define objects (list (new-target) (new-target)))
  (make-cleanup (second objects) (lambda () (set! ran 'yes)))
  (make-cleanup (first objects)
    (lambda ()
      (dispose! (second objects))
      (call-with-unblocked-asyncs (const #f))
      (when (eq? ran 'yes) (set! ran 'too-early))
      (abort-to-prompt 'other)))
  (call-with-blocked-asyncs
   (lambda ()
     (dispose! (first objects))
     (call-with-prompt 'other drain! (const #f))))
  (usleep 1)
  (is "what dies in a drain that is left comes after it" ran 'yes))

(define (test-exit-registry)
  (define registry (make-exit-registry))
  (define-values (note noted) (noting))
  (define handlers '())
  (define (register thunk . options)
    (let ((handler (apply exit-handler-register! thunk #:registry registry
                          options)))
      (set! handlers (cons handler handlers))
      handler))
  (define (run . status) (apply exit-registry-run! registry status))
  (register (lambda () (note (exit-status))))
  (define waiting
    (register (lambda () (suspend) (note (exit-status)) (car 1))))
  (let ((fiber (start (lambda () (run 5)))))
    (is "a handler that is run suspends its fiber" (noted) '())
    (is "no status is left behind" (exit-status) #f)
    (is "a run meanwhile takes the rest" (list (run 6) (noted)) '(0 (6)))
    (is "resumed, it has its status, and fails"
        (list (parameterize ((current-error-port (open-output-string)))
                (fiber))
              (noted))
        '((1) (5))))
  (is "then it is gone" (exit-handler-unregister! waiting) 'gone)
  (register (lambda () (note 'left)))
  (register (lambda () (abort-to-prompt 'other)))
  (is "a handler escapes" (call-with-prompt 'other run (const 'left)) 'left)
  (is "those behind it stay registered" (list (run) (noted)) '(0 (left)))
  (register (lambda () (note (exit-handler-unregister! (car handlers)))))
  (is "one that is called is running" (begin (run) (noted)) '(running)))

(define (test-run-within-run)
  (define registry (make-exit-registry))
  (define-values (note noted) (noting))
  (define (run status) (exit-registry-run! registry status))
  (define (register thunk . options)
    (apply exit-handler-register! thunk #:registry registry options))
  (register (lambda () (note (exit-status))))
  (register (lambda () (car 1)))
  (register (lambda ()
              (note (list 'kept (run 2) (exit-status)))
              (throw 'oh))
            #:keep? #t #:name "kept")
  (let* ((failed #f)
         (report (report-of (lambda () (set! failed (run 1))))))
    (is "a run within a handler takes the rest, and keeps what is kept"
        (noted) '(2 (kept 1 1)))
    (is "each counts its own failures" failed 1)
    (ok "the handler is named that has failed"
        (contains? report "kept" "oh"))))

;; What C has registered is called as well; gcw_fail itself is a function that
;; fails, and labs one that does nothing.
(define library (dynamic-link "libgcweak"))

(define (library-procedure name arguments)
  (pointer->procedure '* (dynamic-func name library) arguments))

(define fails (dynamic-func "gcw_fail" library))
(define does-nothing (dynamic-func "labs" (dynamic-link)))

(define (test-listener-of-c)
  (define event (make-event))
  (define-values (note noted) (noting))
  (define handle (make-pointer (struct-ref/unboxed event 0)))
  (event-connect! event (lambda () (note 'before)))
  ((library-procedure "gcw_event_connect_fn" (list '* '* '* int))
   handle does-nothing %null-pointer 0)
  (event-connect! event (lambda () (note 'after)))
  (is "listeners of C are called, and count"
      (list (event-emit event) (noted)) '(3 (before after))))

(define (test-handler-of-c)
  (define registry (make-exit-registry))
  (define-values (note noted) (noting))
  (define handle (make-pointer (struct-ref/unboxed registry 0)))
  (define failed 0)
  (define (register function data)
    ((library-procedure "gcw_exit_register_fn" (list '* '* '* '*))
     handle function data %null-pointer))
  (exit-handler-register! (lambda () (note 'after)) #:registry registry)
  (register fails (string->pointer "C has failed"))
  (register does-nothing %null-pointer)
  (ok "a handler of C that fails is reported"
      (contains? (report-of
                  (lambda () (set! failed (exit-registry-run! registry))))
                 "gcweak: exit handler" "C has failed"))
  (is "and counts" failed 1)
  (is "the next is called" (noted) '(after)))

(define (test-cleanup-of-c)
  (define ran #f)
  (define object (new-target))
  (define (add function data)
    ((library-procedure "gcw_cleanup_new" (list '* '* '*))
     (make-pointer (object-address object)) function data))
  (make-cleanup object (lambda () (set! ran #t)))
  (add fails (string->pointer "this is a test"))
  (add does-nothing %null-pointer)
  (call-with-blocked-asyncs
   (lambda ()
     (dispose! object)
     (is "a drain calls cleanups of C, one that fails too" (drain! 2) 2)
     (is "it makes as many as it was told" ran #f)
     (is "the next is called" (drain!) 1)
     (is "which is Scheme's" ran #t))))

;; The best of several runs, in which others disturb least.
(define (time-of thunk)
  (define (run)
    (let ((began (get-internal-real-time)))
      (thunk)
      (- (get-internal-real-time) began)))
  (apply min (map (lambda (i) (run)) (iota 9))))

;; array-for-each is a loop in C around scm_call.
(define (test-cost)
  (define sum 0)
  (define listeners
    (make-many (lambda (i) (lambda (n) (set! sum (+ sum n)))) 1000))
  (define array (list->vector listeners))
  (define event (make-event))
  (define-syntax-rule (often body)
    (lambda () (do ((i 0 (1+ i))) ((= i 100)) body)))
  (for-each (lambda (listener) (event-connect! event listener)) listeners)
  (let* ((emission (time-of (often (event-emit event 1))))
         (calls (time-of (often (array-for-each (lambda (f) (f 1)) array))))
         (emission (min emission (time-of (often (event-emit event 1))))))
    (format #t "# a listener costs ~,2f times a bare scm_call~%"
            (/ emission 1.0 calls))
    (ok "a listener costs at most half more than a bare scm_call"
        (<= emission (* 3/2 calls)))))

(test-event)
(test-arguments)
(test-other-thread)
(test-many-fibers)
(test-changes-while-suspended)
(test-never-resumed)
(test-storm)
(test-failures)
(test-deep)
(test-many-failures)
(test-hub)
(test-drain)
(test-suspended-drain)
(test-death-within-drain)
(test-exit-registry)
(test-run-within-run)
(test-listener-of-c)
(test-handler-of-c)
(test-cleanup-of-c)
(when (member "compiled" (command-line))
  (test-cost))
(finish)
