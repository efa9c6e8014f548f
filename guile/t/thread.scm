;;; thread.scm: callbacks belong to the thread that asked for them.

(use-modules (gcweak) (t tap) (srfi srfi-1) (ice-9 threads) (ice-9 atomic))

;; A thread that calls (start), and then waits until it is told to stop.
(define (waiting-thread start)
  (let ((ready (make-atomic-box #f))
        (stop (make-atomic-box #f)))
    (define thread
      (call-with-new-thread
       (lambda ()
         (start)
         (atomic-box-set! ready #t)
         (let loop ()
           (unless (atomic-box-ref stop)
             (usleep 1000)
             (loop))))))
    (wait-until (lambda () (atomic-box-ref ready)))
    (values thread
            (lambda ()
              (atomic-box-set! stop #t)
              (join-thread thread)))))

(define (wait-until true?)
  (let loop ((tries 0))
    (or (true?)
        (and (< tries 20000)
             (begin (usleep 1000) (loop (1+ tries)))))))

;; Notes in a box that threads may share.
(define (add-note! box note)
  (let loop ((old (atomic-box-ref box)))
    (let ((seen (atomic-box-compare-and-swap! box old (cons note old))))
      (unless (eq? seen old)
        (loop seen)))))

(define (test-own-thread)
  (define notes (make-atomic-box '()))
  (define object (new-target))
  (define (note what)
    (add-note! notes (cons what (current-thread))))
  (define-values (thread stop)
    (waiting-thread
     (lambda ()
       (make-cleanup object note 'first)
       (weak-method-on-death! (make-weak-method object car)
                              (lambda (m) (note 'second)))
       (make-cleanup* object (lambda () (note 'third))))))
  (make-cleanup object note 'here)
  (dispose! object)
  (drain!)
  (ok "callbacks come on the thread that asked for them"
      (wait-until (lambda () (= 4 (length (atomic-box-ref notes))))))
  (ok "all of them"
      (every (lambda (note)
               (or (eq? (car note) 'here) (eq? (cdr note) thread)))
             (atomic-box-ref notes)))
  (ok "the caller's own on the caller's"
      (eq? (assq-ref (atomic-box-ref notes) 'here) (current-thread)))
  (is "newest first, there too"
      (delq 'here (map car (reverse (atomic-box-ref notes))))
      '(third second first))
  (stop))

;; A thread may be named, as for Guile's own asyncs.
(define (test-named-thread)
  (define where (make-atomic-box #f))
  (define (note) (atomic-box-set! where (current-thread)))
  (define-values (thread stop) (waiting-thread (const #f)))
  (let ((object (new-target)))
    (make-cleanup* object note #:thread thread)
    (dispose! object)
    (drain!)
    (ok "#:thread names another thread"
        (wait-until (lambda () (eq? (atomic-box-ref where) thread)))))
  (let ((object (new-target)))
    (weak-method-on-death! (make-weak-method object car)
                           (lambda (m) (note)) #:thread (current-thread))
    (dispose! object)
    (drain!)
    (ok "also for the death of a method"
        (wait-until
         (lambda () (eq? (atomic-box-ref where) (current-thread))))))
  (stop))

;; One that does not look at its asyncs while a lock is held.
(define (test-waiting-in-a-condition)
  (define lock (make-mutex))
  (define told (make-condition-variable))
  (define done #f)
  (define object (new-target))
  (define ready (make-atomic-box #f))
  (define thread
    (call-with-new-thread
     (lambda ()
       (make-cleanup object (lambda () (set! done (current-thread))))
       (with-mutex lock
         (atomic-box-set! ready #t)
         (let loop ((tries 0))
           (unless (or done (= tries 1000))
             (wait-condition-variable told lock (+ (current-time) 1))
             (loop (1+ tries))))))))
  (wait-until (lambda () (atomic-box-ref ready)))
  (dispose! object)
  (drain!)
  (join-thread thread)
  (ok "a thread that waits for a condition is woken" (eq? done thread)))

(define (test-exited-thread)
  (define notes (make-atomic-box '()))
  (define objects (list (new-target) (new-target)))
  (join-thread
   (call-with-new-thread
    (lambda ()
      (for-each (lambda (object)
                  (make-cleanup object
                    (lambda () (add-note! notes (current-thread)))))
                objects))))
  (for-each dispose! objects)
  (wait-until (lambda ()
                (drain!)
                (= 2 (length (atomic-box-ref notes)))))
  (is "the callbacks of a thread that is gone come where one drains"
      (atomic-box-ref notes) (list (current-thread) (current-thread))))

;; A thread that ends without having looked at what was sent to it.
(define (test-lost-mail)
  (define notes (make-atomic-box '()))
  (define object (new-target))
  (define ready (make-atomic-box #f))
  (define stop (make-atomic-box #f))
  (define thread
    (call-with-new-thread
     (lambda ()
       (make-cleanup object (lambda () (add-note! notes 'first)))
       (make-cleanup object (lambda () (add-note! notes 'second)))
       (call-with-blocked-asyncs
        (lambda ()
          (atomic-box-set! ready #t)
          (wait-until (lambda () (atomic-box-ref stop)))
          (quit))))))
  (wait-until (lambda () (atomic-box-ref ready)))
  (dispose! object)
  (drain!)
  (is "a thread with asyncs blocked is not disturbed"
      (atomic-box-ref notes) '())
  (atomic-box-set! stop #t)
  (catch #t (lambda () (join-thread thread)) (const #f))
  (ok "what it did not take is not lost"
      (wait-until (lambda ()
                    (drain!)
                    (= 2 (length (atomic-box-ref notes))))))
  (is "nor turned around"
      (reverse (atomic-box-ref notes)) '(second first)))

;; With asyncs blocked, the mail is opened by drain! itself; what a callback
;; leaves behind, a failed system call here, is none of its business.
(define (test-mail-opened-by-drain)
  (define object (new-target))
  (define ran #f)
  (make-cleanup object (lambda () (stat "/no such file" #f) (set! ran #t)))
  (call-with-blocked-asyncs
   (lambda ()
     (join-thread
      (call-with-new-thread (lambda () (dispose! object) (drain!))))
     (is "mail waits while asyncs are blocked" ran #f)
     (drain!)
     (is "unless its thread drains" ran #t))))

;; Asked for by name, a cleanup runs at once, wherever that is.
(define (test-run-elsewhere)
  (define where #f)
  (define object (new-target))
  (define cleanup #f)
  (define-values (thread stop)
    (waiting-thread
     (lambda ()
       (set! cleanup
         (make-cleanup object (lambda () (set! where (current-thread))))))))
  (is "cleanup-run! runs it" (cleanup-run! cleanup) #t)
  (ok "on the thread that calls it" (eq? where (current-thread)))
  (stop)
  (vector-ref object 0))

(define (test-many-threads)
  (define counted (make-atomic-box '()))
  (define (count!) (add-note! counted #t))
  (define (made) (length (atomic-box-ref counted)))
  (define threads
    (map (lambda (n)
           (call-with-new-thread
            (lambda ()
              (do ((i 0 (1+ i))) ((= i 500))
                (make-cleanup (new-target) count!)
                (when (zero? (modulo i 100)) (collect!)))
              n)))
         (iota 8)))
  (for-each join-thread threads)
  (ok "nearly all callbacks of many threads come"
      (until (lambda () (nearly-all? (made) 4000))))
  (ok "none twice" (<= (made) 4000)))

;; Threads that are gone leave nothing behind.
(define (test-threads-go)
  (define (reference-to-thread i)
    (let ((thread (call-with-new-thread
                   (lambda () (make-cleanup (new-target) identity #f)))))
      (join-thread thread)
      (make-weak-reference thread)))
  (define references (make-many reference-to-thread 300))
  (ok "threads that are gone are not held"
      (until (lambda ()
               (nearly-all? (count (negate weak-reference-value) references)
                            300)))))

(define (test-emissions)
  (define event (make-event))
  (define counted (make-atomic-box '()))
  (define objects (make-many (lambda (i) (new-target)) 10))
  (define listeners
    (map (lambda (object)
           (event-connect! event
             (make-weak-method object (lambda _ (add-note! counted #t)))))
         objects))
  (define threads
    (map (lambda (n)
           (call-with-new-thread
            (lambda ()
              (do ((i 0 (1+ i))) ((= i 500))
                (event-emit event i)
                (on-new-target
                 (lambda (object)
                   (listener-disconnect!
                    (event-connect! event
                      (make-weak-method object list)))))))))
         (iota 4)))
  (for-each join-thread threads)
  (is "four threads may emit one event"
      (length (atomic-box-ref counted)) (* 4 500 10))
  (ok "its listeners stay" (every listener-connected? listeners))
  (is "and nothing else does" (event-count event) (length objects)))

;; A thread that is cancelled ends, as it does in any procedure.
(define (test-cancel)
  (define event (make-event))
  (define entered (make-atomic-box #f))
  (define heard (make-atomic-box #f))
  (event-connect! event
    (lambda ()
      (atomic-box-set! entered #t)
      (wait-until (const #f))))
  (event-connect! event (lambda () (atomic-box-set! heard #t)))
  (set-event-error-handler! event (lambda _ (atomic-box-set! heard #t)))
  (let ((thread (call-with-new-thread
                 (lambda () (event-emit event) 'went-on))))
    (wait-until (lambda () (atomic-box-ref entered)))
    (cancel-thread thread 'cancelled)
    (is "a thread that is cancelled in a listener ends"
        (join-thread thread) 'cancelled)
    (ok "no listener is called then, and none has failed"
        (not (atomic-box-ref heard)))))

(define (test-weak-calls)
  (define object (new-target))
  (define method (make-weak-method object (lambda (self n . more)
                                           (* 2 n))))
  (define dead (make-many (lambda (i) (make-weak-method (new-target) +)) 100))
  (define threads
    (map (lambda (n)
           (call-with-new-thread
            (lambda ()
              (every (lambda (i)
                       (when (zero? (modulo i 500)) (gc))
                       (for-each weak-method-alive? dead)
                       (= (weak-method-call method i) (* 2 i)))
                     (iota 2000)))))
         (iota 4)))
  (is "four threads may call one method while it is collected"
      (map join-thread threads) '(#t #t #t #t))
  (ok "it lives all the while" (weak-method-call method 1 object)))

(test-own-thread)
(test-named-thread)
(test-waiting-in-a-condition)
(test-exited-thread)
(test-lost-mail)
(test-mail-opened-by-drain)
(test-run-elsewhere)
(test-many-threads)
(test-threads-go)
(test-emissions)
(test-cancel)
(test-weak-calls)
(finish)
