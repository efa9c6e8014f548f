;;; argument.scm: every procedure refuses every wrong argument, names itself
;;; and the argument, and leaves everything as it was.

(use-modules (gcweak) (t tap) (srfi srfi-1))

(define object (new-target))
(define procedure (lambda args object))
(define reference (make-weak-reference object))
(define method (make-weak-method object list))
(define watched (new-target))
(define cleanup (make-cleanup watched list))
(define event (make-event))
(define listener (event-connect! event list))
(define hub (make-hub))
(define registry (make-exit-registry))
(define handler (exit-handler-register! list #:registry registry))
(define table (make-weak-key-map))
(define by-value (make-weak-value-map))
(define doubly-weak (make-doubly-weak-map))
(define strong (make-strong-value-map))
(define ephemeron (make-ephemeron object 1))
(define guardian (make-weak-guardian))

;; Procedures that are tested here, by name.
(define tested '())

;; An address in compiled code of Guile itself: no object of the heap.
(define constant iota)

(define immediates (list 1 -1 #\a #t '() (if #f #f)))
(define handles
  (list reference method cleanup event listener hub registry handler table
        ephemeron guardian))

;; What may not stand where these are wanted.
(define no-object (cons* #f constant immediates))
(define no-procedure (cons* #f "text" 'symbol object method immediates))
(define no-callee (cons* #f "text" 'symbol object reference event immediates))
(define (no-handle right)
  (cons* #f "text" 'symbol object car
         (append immediates (delq right handles))))
(define no-method-nor-reference
  (cons* #f "text" object car immediates))
(define no-procedure-nor-false (delq #f no-procedure))
(define no-object-nor-false (delq #f no-object))
(define no-type (list 1 #\a #t '() object method))
(define no-name (list 1 #\a #t '() object method))
(define no-count (list #f #\a "1" '() object -1 1/2 1.5))
(define no-limit (delq #f no-count))
(define no-thread (list #f 1 "text" 'symbol object method))

(define (refusal thunk)
  (catch #t
    (lambda () (thunk) #f)
    (lambda (key . args) (cons key args))))

;; The error is one of a wrong argument, and names the procedure.
(define (refusal-of? name refused)
  (and refused
       (memq (car refused) '(wrong-type-arg out-of-range))
       (equal? (format #f "~a" (cadr refused)) (symbol->string name))))

;; And the position; of what is out of range, the value.
(define (refusal-at? name position bad refused)
  (and (refusal-of? name refused)
       (let ((told (cadddr refused)))
         (if (eq? (car refused) 'out-of-range)
             (equal? (last told) bad)
             (equal? (car told) position)))))

(define (replace-nth list n value)
  (append (take list n) (cons value (drop list (1+ n)))))

;; ok-for-all WHAT WRONG RIGHT? CALL: (right? value refusal) for all wrong
;; values; shows the first of the others.
(define (ok-for-all what wrong right? call)
  (define accepted
    (filter-map (lambda (bad)
                  (define refused (refusal (lambda () (call bad))))
                  (and (not (right? bad refused)) (list bad refused)))
                wrong))
  (ok what (null? accepted))
  (unless (null? accepted)
    (format #t "# ~s~%" (car accepted))))

;; test NAME PROCEDURE POSITION WRONG RIGHT: RIGHT are right arguments, of
;; which the one at this position, from 1, is replaced by each of WRONG.
(define (test name procedure position wrong right)
  (ok-for-all
   (format #f "~a refuses what is wrong in position ~a" name position)
   wrong
   (lambda (bad refused) (refusal-at? name position bad refused))
   (lambda (bad) (apply procedure (replace-nth right (1- position) bad))))
  (set! tested (lset-adjoin eq? tested name)))

(define-syntax-rule (refuses (name right ...) position wrong)
  (test 'name name position wrong (list right ...)))

;; An option is named instead of a position.
(define (test-option name procedure keyword wrong right)
  (ok-for-all
   (format #f "~a refuses what is wrong for ~s" name keyword)
   wrong
   (lambda (bad refused) (refusal-of? name refused))
   (lambda (bad) (apply procedure (append right (list keyword bad))))))

(define-syntax-rule (refuses-option (name right ...) keyword wrong)
  (test-option 'name name keyword wrong (list right ...)))

(define-syntax-rule (refuses-unknown-options (name right ...))
  (raises (format #f "~a refuses an unknown option" 'name)
          'keyword-argument-error
          (lambda () (apply name (list right ... #:no-option #t)))))

(refuses (make-weak-reference object) 1 no-object)
(refuses (weak-reference-value reference) 1 (no-handle reference))

(refuses (make-weak-method object procedure) 1 no-object)
(refuses (make-weak-method object procedure) 2 no-procedure)
(refuses (weak-method-call method) 1 (no-handle method))
(refuses (weak-method-alive? method) 1 (no-handle method))
(refuses (weak-method-bind method) 1 (no-handle method))
(refuses (call-with-live method procedure) 1 no-method-nor-reference)
(refuses (call-with-live method procedure) 2 no-procedure)
(refuses (call-with-live method procedure procedure) 3
         (delq #f no-procedure))
(refuses (weak-method=? method method) 1 (no-handle method))
(refuses (weak-method=? method method) 2 (no-handle method))
(refuses (weak-method-hash method 10) 1 (no-handle method))
(refuses (weak-method-hash method 10) 2 (cons 0 no-count))
(refuses (weak-method-on-death! method procedure) 1 (no-handle method))
(refuses (weak-method-on-death! method procedure) 2 no-procedure)
(refuses-option (weak-method-on-death! method car) #:thread no-thread)

(refuses (make-cleanup object car) 1 no-object)
(refuses (make-cleanup object car) 2 no-procedure)
(refuses (make-cleanup* object list) 1 no-object)
(refuses (make-cleanup* object list) 2 no-procedure)
(refuses-option (make-cleanup* object list) #:thread no-thread)
(refuses (cleanup-alive? cleanup) 1 (no-handle cleanup))
(refuses (cleanup-target cleanup) 1 (no-handle cleanup))
(refuses (cleanup-run! cleanup) 1 (no-handle cleanup))
(refuses (cleanup-detach! cleanup) 1 (no-handle cleanup))
(refuses (cleanup-at-exit? cleanup) 1 (no-handle cleanup))
(refuses (set-cleanup-at-exit! cleanup #t) 1 (no-handle cleanup))
(refuses (dispose! object) 1 no-object)
(refuses (drain! 1) 1 no-count)
(refuses (set-cleanup-error-handler! #f) 1 no-procedure-nor-false)

(refuses (make-event "name") 1 no-name)
(refuses (event-connect! event procedure) 1 (no-handle event))
(refuses (event-connect! event procedure) 2 no-callee)
(refuses-unknown-options (event-connect! event list))
(refuses (event-disconnect! event procedure) 1 (no-handle event))
(refuses (event-disconnect! event procedure) 2 no-callee)
(refuses (event-emit event 1) 1 (no-handle event))
(refuses (event-count event) 1 (no-handle event))
(refuses (set-event-error-handler! event procedure) 1 (no-handle event))
(refuses (set-event-error-handler! event #f) 2 no-procedure-nor-false)
(refuses (listener-disconnect! listener) 1 (no-handle listener))
(refuses (listener-connected? listener) 1 (no-handle listener))
(refuses (listener-block! listener) 1 (no-handle listener))
(refuses (listener-unblock! listener) 1 (no-handle listener))

(refuses (hub-connect! hub 'type object procedure) 1 (no-handle hub))
(refuses (hub-connect! hub 'type object procedure) 2 no-type)
(refuses (hub-connect! hub 'type object procedure) 3 no-object-nor-false)
(refuses (hub-connect! hub 'type object procedure) 4 no-callee)
(refuses-unknown-options (hub-connect! hub 'type #f list))
(refuses-unknown-options (exit-handler-register! list))
(refuses-unknown-options (make-weak-method object list))
(refuses-unknown-options (make-cleanup* object list))
(refuses (hub-disconnect! hub 'type object procedure) 1 (no-handle hub))
(refuses (hub-disconnect! hub 'type object procedure) 2 no-type)
(refuses (hub-disconnect! hub 'type object procedure) 3 no-object-nor-false)
(refuses (hub-disconnect! hub 'type object procedure) 4 no-callee)
(refuses (hub-emit hub 'type object) 1 (no-handle hub))
(refuses (hub-emit hub 'type object) 2 no-type)
(refuses (hub-emit hub 'type object) 3 no-object-nor-false)
(refuses (hub-post! hub 'type object) 1 (no-handle hub))
(refuses (hub-post! hub 'type object) 2 no-type)
(refuses (hub-post! hub 'type object) 3 no-object-nor-false)
(refuses (hub-dispatch! hub) 1 (no-handle hub))
(refuses (hub-dispatch! hub 1) 2 no-count)
(refuses (hub-file-descriptor hub) 1 (no-handle hub))
(refuses (hub-port hub) 1 (no-handle hub))
(refuses (hub-size hub) 1 (no-handle hub))
(refuses (set-hub-error-handler! hub #f) 1 (no-handle hub))
(refuses (set-hub-error-handler! hub #f) 2 no-procedure-nor-false)

(refuses (exit-handler-register! procedure) 1 no-callee)
(refuses-option (exit-handler-register! list #:registry registry)
                #:name no-name)
(refuses-option (exit-handler-register! list) #:registry
                (cons* #f "text" object immediates))
(refuses-option (exit-handler-register! list #:registry registry)
                #:level (list #f "text" 'lowest 1.5 1/2 (expt 2 63) object))
(refuses-option (exit-handler-register! list #:registry registry)
                #:limit no-limit)
(refuses (exit-unregister-object! object registry) 1 no-object)
(refuses (exit-unregister-object! object registry) 2 (no-handle registry))
(refuses (exit-unregister-callee! procedure registry) 1 no-callee)
(refuses (exit-unregister-callee! procedure registry) 2 (no-handle registry))
(refuses (exit-registry-clear! registry) 1 (no-handle registry))
(refuses (exit-registry-handlers registry) 1 (no-handle registry))
(refuses (set-exit-limit! registry 1) 1 (no-handle registry))
(refuses (set-exit-limit! registry 1) 2 no-limit)
(refuses-unknown-options (set-exit-limit! registry #f))
(refuses (exit-handler-unregister! handler) 1 (no-handle handler))
(refuses (make-exit-registry "name") 1 no-name)
(refuses (exit-registry-run! registry) 1 (no-handle registry))
(refuses (exit-registry-run! registry 0) 2 (list #\a "1" '() object 1/2))
(refuses (set-exit-error-handler! registry #f) 1 (no-handle registry))
(refuses (set-exit-error-handler! registry #f) 2 no-procedure-nor-false)

(refuses (weak-map-ref table object) 1 (no-handle table))
(refuses (weak-map-count table) 1 (no-handle table))
(refuses (weak-map-set! table object 1) 1 (no-handle table))
(refuses (weak-map-set! table object 1) 2 no-object)
(refuses (weak-map-set! strong object 1) 2 no-object)
(refuses (weak-map-set! by-value 1 object) 3 no-object)
(refuses (weak-map-set! doubly-weak object object) 2 no-object)
(refuses (weak-map-set! doubly-weak object object) 3 no-object)
(refuses (weak-map-setdefault! table object 1) 1 (no-handle table))
(refuses (weak-map-setdefault! table object 1) 2 no-object)
(refuses (weak-map-setdefault! by-value 1 object) 3 no-object)
(refuses (weak-map-replace! table object 1 2) 1 (no-handle table))
(refuses (weak-map-replace! table object 1 2) 2 no-object)
(refuses (weak-map-replace! by-value 1 object object) 4 no-object)
(refuses (weak-map-remove! table object) 1 (no-handle table))
(refuses (weak-map-for-each procedure table) 1 no-procedure)
(refuses (weak-map-for-each procedure table) 2 (no-handle table))
(refuses (weak-map-fold procedure 1 table) 1 no-procedure)
(refuses (weak-map-fold procedure 1 table) 3 (no-handle table))

(refuses (ephemeron-key ephemeron) 1 (no-handle ephemeron))
(refuses (ephemeron-datum ephemeron) 1 (no-handle ephemeron))
(refuses (ephemeron-broken? ephemeron) 1 (no-handle ephemeron))

(test 'weak-guardian guardian 1 no-object (list object))
(test 'weak-guardian guardian 1 no-object (list object 1))
(raises "a guardian refuses a third argument" 'wrong-number-of-args
        (lambda () (guardian object 1 2)))
(refuses (weak-guardian-file-descriptor guardian) 1 (no-handle guardian))
(refuses (weak-guardian-port guardian) 1 (no-handle guardian))

;; Numbers of signals; of those that are none, the system says so.
(define no-number (list #f "text" 'symbol object car 1.5 (expt 2 40)))
(refuses (exit-off-signal SIGTERM) 1 no-number)
(refuses (exit-by-signal SIGTERM) 1 no-number)
(refuses (exit-on-signal SIGTERM) 1 no-number)
(refuses-unknown-options (exit-on-signal SIGTERM))
(raises "exit-on-signal refuses what ends no process" 'system-error
        (lambda () (exit-on-signal SIGCHLD)))
(raises "exit-off-signal refuses what is no signal" 'system-error
        (lambda () (exit-off-signal -1)))

;; What is said of an object that cannot be a target.
(ok "the error says that it wants a collectable object"
    (string-contains
     (call-with-output-string
      (lambda (port)
        (catch 'wrong-type-arg
          (lambda () (make-weak-reference 42))
          (lambda (key . args) (print-exception port #f key args)))))
     "collectable object"))

;; Constants of compiled code are no objects of the heap; those of
;; interpreted code are.
(define (constants-die?)
  (and (not (refusal (lambda () (make-weak-reference "constant"))))
       (not (refusal (lambda () (make-weak-reference '(1 2)))))))
(is "constants are objects where they are in the heap"
    (constants-die?) (not (member "compiled" (command-line))))

;; Those that take nothing, or take anything.
(define untested
  '(make-hub default-exit-registry exit-status gcweak-version collect!
    weak-reference? weak-method? cleanup? event? listener? hub? exit-handler?
    exit-registry? make-weak-key-map make-weak-value-map make-doubly-weak-map
    make-strong-value-map weak-map? make-ephemeron ephemeron?
    exit-signal exit-signal-port
    reference-barrier make-weak-guardian weak-guardian?))

(define (procedure-names)
  (filter (lambda (name)
            (procedure? (module-ref (resolve-interface '(gcweak)) name #f)))
          (module-map (lambda (name variable) name)
                      (resolve-interface '(gcweak)))))

(define (sorted names)
  (sort (map symbol->string names) string<?))

(is "every procedure was tested"
    (sorted (lset-difference eq? (procedure-names) tested untested)) '())
(ok "predicates take anything"
    (every (lambda (predicate)
             (every boolean? (map predicate (append handles immediates))))
           (list weak-reference? weak-method? cleanup? event? listener? hub?
                 exit-handler? exit-registry? weak-map? ephemeron?
                 weak-guardian?)))
(ok "the version has three numbers"
    (= 3 (length (string-split (gcweak-version) #\.))))
(is "nothing was connected, nor set"
    (list (event-count event) (assq-ref (hub-size hub) 'listeners)
          (listener-connected? listener) (cleanup-alive? cleanup)
          (eq? watched (cleanup-target cleanup))
          (map weak-map-count (list table by-value doubly-weak strong)))
    '(1 0 #t #t #t (0 0 0 0)))
(finish)
