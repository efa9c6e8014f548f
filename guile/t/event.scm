;;; event.scm: events and listeners.

(use-modules (gcweak) (t tap) (srfi srfi-1) (ice-9 control))

;; An event, and a procedure that takes what its listeners have noted.
(define (event-with-notes)
  (let ((notes '()))
    (values (make-event "noted")
            (lambda args (set! notes (cons args notes)) 'ignored)
            (lambda () (let ((all (reverse notes))) (set! notes '()) all)))))

(define (test-basics)
  (define object (new-target))
  (define-values (event note noted) (event-with-notes))
  (define method (make-weak-method object note))
  (define listener (event-connect! event method))
  (ok "an event is one" (and (event? event) (event? (make-event))))
  (ok "nothing else is an event"
      (not (any event? (list 1 #f "event" listener object))))
  (ok "connecting gives a listener" (listener? listener))
  (ok "nothing else is a listener" (not (any listener? (list 1 event method))))
  (ok "they show themselves"
      (and (contains? (object->string event) "#<event" "noted")
           (contains? (object->string listener) "#<listener")))
  (is "an emission tells how many it called" (event-emit event 1 2) 1)
  (is "a method gets its object and the arguments"
      (noted) (list (list object 1 2)))
  (event-connect! event note)
  (is "a procedure the arguments" (begin (event-emit event 'x) (noted))
      (list (list object 'x) '(x)))
  (is "without arguments too" (begin (event-emit event) (noted))
      (list (list object) '()))
  (is "and with many" (begin (apply event-emit event (iota 300))
                             (map length (noted))) '(301 300))
  (is "the event counts" (event-count event) 2)
  (ok "a listener is connected" (listener-connected? listener))
  (is "it can be disconnected" (listener-disconnect! listener) #t)
  (is "once" (listener-disconnect! listener) #f)
  (ok "then it is not connected" (not (listener-connected? listener)))
  (is "nor called" (begin (event-emit event 2) (noted)) '((2)))
  (is "an event without listeners calls none" (event-emit (make-event) 1) 0))

(define (test-order)
  (define-values (event note noted) (event-with-notes))
  (define (says what) (lambda _ (note what)))
  (event-connect! event (says 'a))
  (event-connect! event (says 'b))
  (event-connect! event (says 'front) #:front? #t)
  (event-connect! event (says 'once) #:once? #t)
  (is "listeners are called in order"
      (begin (event-emit event) (noted)) '((front) (a) (b) (once)))
  (is "and #:once? only once"
      (begin (event-emit event) (noted)) '((front) (a) (b))))

(define (test-unique)
  (define (note . args) 'ignored)
  (define object (new-target))
  (define event (make-event))
  (define first (event-connect! event (make-weak-method object note)))
  (define again (event-connect! event (make-weak-method object note)
                               #:unique? #t))
  (ok "#:unique? gives the listener that is there" (equal? first again))
  (is "and connects no other" (event-count event) 1)
  (event-connect! event (make-weak-method object note))
  (is "without it there are two" (event-count event) 2)
  (ok "which are not equal"
      (not (equal? first (event-connect! event note))))
  (ok "procedures are unique too"
      (equal? (event-connect! event note #:unique? #t)
              (event-connect! event note #:unique? #t)))
  (is "a method like it disconnects all of them"
      (event-disconnect! event (make-weak-method object note)) 2)
  (is "and a procedure its own" (event-disconnect! event note) 1)
  (is "then there is none" (event-count event) 0)
  (is "and nothing to disconnect" (event-disconnect! event note) 0))

(define (test-block)
  (define event (make-event))
  (define listener (event-connect! event list))
  (listener-block! listener)
  (listener-block! listener)
  (is "a blocked listener is not called" (event-emit event) 0)
  (is "but counts" (event-count event) 1)
  (listener-unblock! listener)
  (is "blocks are counted" (event-emit event) 0)
  (listener-unblock! listener)
  (is "unblocked as often, it is called" (event-emit event) 1))

(define (test-deaths)
  (define event (make-event))
  (define-values (count! counted) (callback-counter))
  (define held (make-many (lambda (i) (new-target)) 100))
  (for-each (lambda (object)
              (event-connect! event (make-weak-method object count!)))
            held)
  (make-many (lambda (i)
               (on-new-target
                (lambda (object)
                  (event-connect! event (make-weak-method object count!))))
               #f))
  (collect)
  (ok "nearly all listeners whose objects were dropped are gone"
      (<= 100 (event-count event) 150))
  (is "those that are there are called"
      (event-emit event) (counted))
  (ok "those that were held are there" (>= (counted) (length held))))

(define (test-closures)
  (define (left connect)
    (let ((event (make-event)))
      (make-many (lambda (i)
                   (on-new-target (lambda (object) (connect event object)))
                   #f))
      (collect)
      (event-count event)))
  (ok "weak-lambda connects a closure that does not hold its object"
      (<= (left (lambda (event object)
                  (event-connect! event
                    (weak-lambda (object) _ (vector-ref object 0)))))
          50))
  (is "a closure over the object holds it"
      (left (lambda (event object)
              (event-connect! event
                (make-weak-method object
                                  (lambda _ (vector-ref object 0))))))
      many))

(define (test-changes-during-emission)
  (define-values (event note noted) (event-with-notes))
  (define third #f)
  (event-connect! event
    (lambda ()
      (note 'first)
      (event-connect! event (lambda () (note 'new)) #:once? #t)
      (listener-disconnect! third)))
  (event-connect! event (lambda () (note 'second)))
  (set! third (event-connect! event (lambda () (note 'third))))
  (is "what is connected meanwhile waits, what is disconnected is passed over"
      (begin (event-emit event) (noted)) '((first) (second)))
  (is "the next emission calls the new"
      (begin (event-emit event) (noted)) '((first) (second) (new))))

(define (test-recursion)
  (define event (make-event))
  (define depth 0)
  (event-connect! event (lambda (n)
                         (set! depth (max depth n))
                         (when (< n 50) (event-emit event (1+ n)))))
  (event-emit event 1)
  (is "a listener may emit its own event" depth 50))

(define (test-death-during-emission)
  (define event (make-event))
  (define object (new-target))
  (define called #f)
  (event-connect! event (lambda () (dispose! object)))
  (event-connect! event (make-weak-method object (lambda _ (set! called #t))))
  (is "what dies before its turn is not called"
      (begin (event-emit event) called) #f))

;;; Failures.

(define (failing-event . listeners)
  (let ((event (make-event "failing")))
    (for-each (lambda (listener) (event-connect! event listener)) listeners)
    event))

(define (test-report)
  (define after #f)
  (define event
    (failing-event (lambda (n) (error "no such number" n))
                   (lambda (n) (set! after n))))
  (define called #f)
  (define report (report-of (lambda () (set! called (event-emit event 17)))))
  (ok "a listener that fails is reported, with the event's name"
      (contains? report "gcweak: listener" "failing" "no such number" "17"))
  (is "the next is called" after 17)
  (is "both count" called 2)
  (ok "what is thrown in the old way is reported"
      (contains? (report-of (lambda ()
                              (event-emit (failing-event
                                           (lambda () (throw 'a-key 1 2))))))
                 "gcweak: listener" "a-key"))
  (ok "and what is raised in the new"
      (contains? (report-of (lambda ()
                              (event-emit (failing-event
                                           (lambda ()
                                             (raise-exception 'an-object))))))
                 "gcweak: listener" "an-object"))
  (ok "an event without a name has a report too"
      (let ((event (make-event)))
        (event-connect! event (lambda () (car 1)))
        (contains? (report-of (lambda () (event-emit event)))
                   "gcweak: listener" "car"))))

(define (test-error-handler)
  (define event (failing-event))
  (define listener (event-connect! event (lambda () (throw 'oh 1 2))))
  (define heard '())
  (set-event-error-handler! event
    (lambda (failed key args)
      (set! heard (cons (list (equal? failed listener) key args) heard))
      (error "this is ignored")))
  (is "nothing is reported where there is an error handler"
      (report-of (lambda () (event-emit event))) "")
  (is "which gets listener, key and arguments" heard '((#t oh (1 2))))
  (set-event-error-handler! event #f)
  (ok "taken away, there is a report again"
      (contains? (report-of (lambda () (event-emit event)))
                 "gcweak: listener" "failing")))

;; leaves WHAT ENTER: (enter use) calls (use leave), where (leave) leaves an
;; emission for ENTER, which then returns left.
(define (leaves what enter)
  (define after 0)
  (define event (make-event))
  (define report
    (report-of
     (lambda ()
       (is what
           (enter (lambda (leave)
                    (event-connect! event leave #:once? #t)
                    (event-connect! event (lambda () (set! after (1+ after))))
                    (event-emit event)))
           'left))))
  (is (string-append what ": the others are not called") after 0)
  (is (string-append what ": nothing is reported") report "")
  (is (string-append what ": the next emission is whole")
      (list (event-emit event) after) '(1 1)))

(define (test-escapes)
(test-throws-stay)
(test-exits-unwind)
  (leaves "an escape leaves the emission"
          (lambda (use) (let/ec k (use (lambda () (k 'left))))))
  (leaves "an abort to a prompt too"
          (lambda (use)
            (call-with-prompt 'tag
              (lambda () (use (lambda () (abort-to-prompt 'tag 1))))
              (const 'left))))
  (leaves "and a full continuation"
          (lambda (use) (call/cc (lambda (k) (use (lambda () (k 'left)))))))
  (leaves "and an escape out of an unwinding"
          (lambda (use)
            (let/ec k
              (use (lambda ()
                     (dynamic-wind (const #f)
                                   (lambda () (k 'lost))
                                   (lambda () (k 'left)))))))))

;; What is thrown is no escape: it is a failure, whoever waits for it outside.
(define (test-throws-stay)
  (define event (failing-event (lambda () (throw 'mine))))
  (define result 'none)
  (define report
    (report-of
     (lambda ()
       (set! result
         (catch 'mine (lambda () (event-emit event)) (const 'left))))))
  (is "a throw to a catch outside does not leave the emission" result 1)
  (ok "but is reported" (contains? report "gcweak: listener" "mine")))

(define (test-exits-unwind)
  (define event (make-event))
  (define order '())
  (define (note what) (set! order (cons what order)))
  (event-connect! event
    (lambda ()
      (dynamic-wind (lambda () (note 'in))
                    (lambda () (abort-to-prompt 'tag))
                    (lambda () (note 'out)))))
  (call-with-prompt 'tag (lambda () (event-emit event)) (const #f))
  (is "an escape unwinds what it leaves" (reverse order) '(in out)))

(define (test-inside-is-free)
  (define event (make-event))
  (define said '())
  (event-connect! event
    (lambda ()
      (set! said
            (list (let/ec k (k 'escaped))
                  (catch #t (lambda () (car 1)) (lambda (key . _) key))
                  (call-with-prompt 'p
                    (lambda () (1+ (abort-to-prompt 'p)))
                    (lambda (k) (k 1)))))))
  (is "control flow within a listener is free"
      (begin (event-emit event) said) '(escaped wrong-type-arg 2)))

(define (test-entering-again)
  (define event (make-event))
  (define inside #f)
  (define entered 0)
  (define after 0)
  (event-connect! event (lambda ()
                          (call/cc (lambda (k) (set! inside k)))
                          (set! entered (1+ entered))))
  (event-connect! event (lambda () (set! after (1+ after))))
  (event-emit event)
  (when (= entered 1) (inside 1))
  (is "a listener that has returned can be entered again" entered 2)
  (is "those behind it are called once" after 1))

(define (test-emission-after-failures)
  (define event (failing-event (lambda () (car 1))))
  (define-values (count! counted) (callback-counter))
  (event-connect! event count!)
  (set-event-error-handler! event (const #f))
  (do ((i 0 (1+ i))) ((= i 10000)) (event-emit event))
  (is "10,000 failures lose nothing" (counted) 10000))

(test-basics)
(test-order)
(test-unique)
(test-block)
(test-deaths)
(test-closures)
(test-changes-during-emission)
(test-recursion)
(test-death-during-emission)
(test-report)
(test-error-handler)
(test-escapes)
(test-throws-stay)
(test-exits-unwind)
(test-inside-is-free)
(test-entering-again)
(test-emission-after-failures)
(finish)
