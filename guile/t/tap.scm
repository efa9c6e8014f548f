;;; tap.scm: what the test programs of the module (gcweak) share.
;;;
;;; A test program prints a line for each case, without numbers: t/guile.t
;;; counts, and takes a program for failed that does not say at its end that
;;; it has finished.
;;;
;;; Deaths.  Collection is conservative: a stale word on a stack keeps an
;;; object alive.  So a test makes many objects in a procedure that has
;;; returned, and asks that nearly all have died.
;;;
;;; Waiting.  Callbacks come as asyncs, when Guile comes around to them.  A
;;; test waits until something has become true, however long that takes, up
;;; to a limit that only a failure reaches.

(define-module (t tap)
  #:use-module (gcweak)
  #:use-module (ice-9 atomic)
  #:use-module (ice-9 format)
  #:use-module (ice-9 threads)
  #:use-module (srfi srfi-1)
  #:export (ok is raises finish
            many nearly-all? make-many new-target on-new-target
            collect leaves-nothing? until in-storm
            report-of contains? callback-counter))

;; A program that crashes has shown what came before.
(setvbuf (current-output-port) 'line)

(define (ok what passed)
  (format #t "~a - ~a~%" (if passed "ok" "not ok") what))

(define (is what got expected)
  (ok what (equal? got expected))
  (unless (equal? got expected)
    (format #t "# got      ~s~%# expected ~s~%" got expected)))

;; raises WHAT KEY THUNK: the thunk throws to this key.
(define (raises what key thunk)
  (is what
      (catch #t
        (lambda () (thunk) 'nothing)
        (lambda (thrown . args) thrown))
      key))

(define (finish)
  (display "finished\n"))

;; Of `many' objects that were dropped, nearly all must have died.
(define many 1000)

(define* (nearly-all? count #:optional (of many))
  (>= count (* 95/100 of)))

;; An ordinary object, of a size that little else has.
(define (new-target)
  (make-vector 20 #f))

;; What (make object) returns for an object that lives until then.
(define (on-new-target make)
  (let* ((object (new-target))
         (result (make object)))
    (vector-set! object 0 'dropped)
    result))

;; What `make' returns for each number below `n'; in a procedure of its own,
;; so that nothing of it is left on the stack but stale words.
(define* (make-many make #:optional (n many))
  (map make (iota n)))

(define (collect)
  (gc)
  (collect!))

;; What is left after a collection.
(define (live-bytes)
  (collect)
  (let ((stats (gc-stats)))
    (- (assq-ref stats 'heap-size) (assq-ref stats 'heap-free-size))))

;; Whether (make! n), which makes and drops n things, leaves less than `each'
;; bytes behind for each.  What is left once may be a large object that a stale
;; word keeps; what a thing leaves behind is left every time.
(define (leaves-nothing? make! n each)
  (define (live-after)
    (make! n)
    (live-bytes))
  (let loop ((before (live-after)) (tries 0))
    (let ((after (live-after)))
      (cond ((< (- after before) (* n each)) #t)
            ((= tries 9) #f)
            (else (loop after (1+ tries)))))))

;; until TRUE?: collects and drains until (true?) is true.
(define (until true?)
  (let loop ((tries 0))
    (cond ((true?) #t)
          ((= tries 2000) #f)
          (else
           (if (< tries 5) (collect) (drain!))
           (usleep 1000)
           (loop (1+ tries))))))

;; What (thunk) returns, while another thread collects all the time.  The
;; threads of the thunk loop and do not recurse deeply: Guile 3.0.8 may crash
;; when a thread's stack grows while another one collects.
(define (in-storm thunk)
  (define over (make-atomic-box #f))
  (define storm
    (call-with-new-thread
     (lambda ()
       (let loop ()
         (unless (atomic-box-ref over)
           (gc)
           (loop))))))
  (dynamic-wind
    (const #t)
    thunk
    (lambda ()
      (atomic-box-set! over #t)
      (join-thread storm))))

;; What (thunk) writes to the error port.
(define (report-of thunk)
  (call-with-output-string
   (lambda (port)
     (parameterize ((current-error-port port))
       (thunk)))))

(define (contains? text . parts)
  (every (lambda (part) (string-contains text part)) parts))

;; Two values: a procedure that counts its calls, and one that tells.
(define (callback-counter)
  (let ((calls 0))
    (values (lambda _ (set! calls (1+ calls)))
            (lambda () calls))))
