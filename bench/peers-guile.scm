;; peers-guile.scm: weak vectors, weak hash tables and guardians of Guile.
;;
;; Loaded with two file names and JOB SIZE THREADS HANDLES; see peers.c.  A job
;; is a procedure that sets up and returns another, which takes a sample and
;; returns its numbers.  See measure.c for how the benchmark talks to this
;; program.

(use-modules (ice-9 rdelim)
             (ice-9 regex)
             (ice-9 weak-vector)
             (srfi srfi-1))

(define further 7)
(define reads 100000)

(define (now)
  (/ (* (get-internal-real-time) 1e9) internal-time-units-per-second))

(define-syntax-rule (nanoseconds body ...)
  (let ((begin (now)))
    body ...
    (- (now) begin)))

;; A target is as large as those of the others.
(define (new-target) (make-vector 3 0))

(define (new-targets n)
  (let ((targets (make-vector n #f)))
    (do ((i 0 (1+ i)))
        ((= i n) targets)
      (vector-set! targets i (new-target)))))

(define (shuffle! v)
  (let ((state (seed->random-state 1)))
    (do ((i (vector-length v) (1- i)))
        ((<= i 1) v)
      (let* ((j (random i state))
             (last (vector-ref v (1- i))))
        (vector-set! v (1- i) (vector-ref v j))
        (vector-set! v j last)))))

;; A handle is a weak vector of one.
(define (new-handle target) (make-weak-vector 1 target))

(define (new-handles! handles targets)
  (let ((n (vector-length targets)))
    (do ((i 0 (1+ i)))
        ((= i n) handles)
      (vector-set! handles i (new-handle (vector-ref targets i))))))

(define (repeated v times)
  (let* ((n (* times (vector-length v)))
         (all (make-vector n #f)))
    (do ((i 0 (1+ i)))
        ((= i n) all)
      (vector-set! all i (vector-ref v (quotient i times))))))

;; What must live as long as the program.
(define kept #f)

;; --- Jobs ------------------------------------------------------------------

(define (read-all handles)
  (let ((n (vector-length handles)))
    (let loop ((i 0) (h 0) (alive 0))
      (if (= i reads)
          alive
          (loop (1+ i)
                (if (< (1+ h) n) (1+ h) 0)
                (if (weak-vector-ref (vector-ref handles h) 0)
                    (1+ alive)
                    alive))))))

(define (job-read n _)
  (let* ((targets (new-targets n))
         (handles (shuffle! (new-handles! (make-vector n #f) targets))))
    (set! kept targets)
    (lambda ()
      (list (/ (nanoseconds
                (unless (= (read-all handles) reads)
                  (error "a target died")))
               reads)))))

(define (time-make targets)
  (let* ((n (vector-length targets))
         (handles (make-vector n #f))
         (took (nanoseconds (new-handles! handles targets))))
    (set! kept (cons handles kept))
    (/ took n)))

(define (job-create n _)
  (lambda ()
    (let* ((targets (new-targets n))
           (in-turn (repeated targets further))
           (at-random (shuffle! (vector-copy in-turn))))
      (set! kept (list targets))
      (map time-make (list targets in-turn at-random)))))

(define (job-collect-0 n _) (job-collect n 0))

(define (job-collect n handles)
  (let ((targets (new-targets n)))
    (set! kept
          (cons targets
                (new-handles! (make-vector (* n handles) #f)
                              (repeated targets handles))))
    (lambda ()
      (list (nanoseconds (gc))))))

(define (guard-targets! guardian n)
  (do ((i 0 (1+ i)))
      ((= i n))
    (guardian (new-target))))

;; How many the guardian gives back, one after the other.
(define (drain guardian)
  (let loop ((died 0))
    (if (guardian) (loop (1+ died)) died)))

;; Guile looks after its guardians in a finalizer, which may come one
;; collection later.
(define (drain-nearly-all guardian n)
  (let loop ((died 0) (tries 0))
    (cond ((>= died (* 99/100 n)) died)
          ((= tries 20) (error "too few targets died" died))
          (else (gc)
                (loop (+ died (drain guardian)) (1+ tries))))))

(define (job-deaths n _)
  (lambda ()
    (let ((guardian (make-guardian)))
      (guard-targets! guardian n)
      (list (nanoseconds (drain-nearly-all guardian n))))))

(define (resident)
  (let* ((status (call-with-input-file "/proc/self/status" read-string))
         (number (string-match "VmRSS: *\t* *([0-9]+) kB" status)))
    (* 1024. (string->number (match:substring number 1)))))

(define (job-memory n _)
  (let ((targets (new-targets n))
        (handles (make-vector n 1)))
    (set! kept (cons targets handles))
    (gc)
    (let ((before (resident)))
      (new-handles! handles targets)
      (gc)
      (let ((grown (/ (- (resident) before) n)))
        (lambda () (list grown))))))

;; --- Weak hash tables ------------------------------------------------------

(define least 20000)

(define (fill! table keys values)
  (let ((n (vector-length keys)))
    (do ((i 0 (1+ i)))
        ((= i n) table)
      (hashq-set! table (vector-ref keys i) (vector-ref values i)))))

(define (new-table) (make-weak-key-hash-table))

;; The body for one object after the other, again and again; the time of one.
(define-syntax-rule (time-uses objects object body ...)
  (let ((n (vector-length objects)))
    (/ (nanoseconds
        (let loop ((i 0) (at 0))
          (unless (= i reads)
            (let ((object (vector-ref objects at)))
              body ...)
            (loop (1+ i) (if (< (1+ at) n) (1+ at) 0)))))
       reads)))

(define (job-map-use n _)
  (let* ((keys (new-targets n))
         (others (shuffle! (new-targets n)))
         (table (fill! (new-table) keys (new-targets n)))
         (at-random (shuffle! (vector-copy keys))))
    (set! kept (list keys others table))
    (lambda ()
      (list (time-uses at-random key (hashq-ref table key #f))
            (time-uses others key (hashq-ref table key #f))
            (time-uses at-random key (hashq-set! table key others))
            (time-uses at-random key
                       (or (hashq-ref table key #f)
                           (hashq-set! table key others)))))))

(define (job-map-make n _)
  (let* ((keys (new-targets n))
         (values (new-targets n))
         (at-random (shuffle! (vector-copy keys)))
         (times (max 1 (quotient least n))))
    (set! kept (list keys values))
    (lambda ()
      (let loop ((i 0) (put 0) (remove 0))
        (if (= i times)
            (list (/ put (* times n)) (/ remove (* times n)))
            (let* ((table (new-table))
                   (putting (nanoseconds (fill! table keys values)))
                   (removing (nanoseconds
                              (do ((k 0 (1+ k)))
                                  ((= k n))
                                (hashq-remove! table
                                               (vector-ref at-random k))))))
              (loop (1+ i) (+ put putting) (+ remove removing))))))))

(define (map-objects n order)
  (if (> order 1)
      (values (shuffle! (new-targets n)) (shuffle! (shuffle! (new-targets n))))
      (values (new-targets n) (new-targets n))))

(define (job-map-collect-0 n order)
  (call-with-values (lambda () (map-objects n order))
    (lambda (keys values)
      (set! kept (list keys values))))
  (lambda ()
    (list (nanoseconds (gc)))))

(define (job-map-collect n order)
  (call-with-values (lambda () (map-objects n order))
    (lambda (keys values)
      (set! kept (list keys (fill! (new-table) keys values)))))
  (lambda ()
    (list (nanoseconds (gc)))))

(define (job-map-memory n _)
  (let* ((keys (new-targets n))
         (values (new-targets n)))
    (gc)
    (let ((before (resident))
          (table (fill! (new-table) keys values)))
      (gc)
      (let ((grown (/ (- (resident) before) n)))
        (set! kept (list keys values table))
        (lambda () (list grown))))))

;; The value leads nowhere: with one that leads to its key the entry would stay
;; for ever.
(define (job-map-churn n _)
  (lambda ()
    (let ((table (new-table))
          (keys (make-vector n #f))
          (steps (max least (* 2 n))))
      (define (step i)
        (let ((key (new-target)))
          (vector-set! keys (modulo i n) key)
          (hashq-set! table key (new-target))))
      (do ((i 0 (1+ i))) ((= i n)) (step i))
      (let ((took (nanoseconds
                   (do ((i 0 (1+ i))) ((= i steps)) (step i)))))
        (set! kept (list table keys))
        (list (/ took steps))))))

(define jobs
  `(("read" . ,job-read)
    ("create" . ,job-create)
    ("collect-0" . ,job-collect-0)
    ("collect" . ,job-collect)
    ("deaths" . ,job-deaths)
    ("memory" . ,job-memory)
    ("map-use" . ,job-map-use)
    ("map-make" . ,job-map-make)
    ("map-collect-0" . ,job-map-collect-0)
    ("map-collect" . ,job-map-collect)
    ("map-memory" . ,job-map-memory)
    ("map-churn" . ,job-map-churn)))

;; --- Talking ---------------------------------------------------------------

(define (say line)
  (display line)
  (newline)
  (force-output))

(define (numbers->line numbers)
  (string-join (map (lambda (x) (number->string (exact->inexact x))) numbers)))

(define (serve sample)
  (sample)
  (say "ready")
  (let loop ()
    (unless (eof-object? (read-line))
      (say (numbers->line (sample)))
      (loop)))
  (primitive-_exit 0))

(define (main job size threads handles)
  (if (string=? job "version")
      (say (string-append "Guile " (version)))
      (serve ((assoc-ref jobs job)
              (string->number size)
              (string->number handles)))))

(apply main (cdddr (command-line)))
