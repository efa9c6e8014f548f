;;; guardian.scm: guardians that leave finalizers alone.

(use-modules (gcweak) (t tap) (srfi srfi-1) (ice-9 threads)
             (system foreign))

;; All that the guardian has to return.
(define (take-all guardian)
  (let loop ((taken '()))
    (let ((next (guardian)))
      (if next (loop (cons next taken)) taken))))

;; Numbered objects, given to the guardians and dropped.
(define (guard-many . guardians)
  (make-many (lambda (i)
               (let ((object (vector i (list i))))
                 (for-each (lambda (guardian) (guardian object)) guardians)))))

(define (numbers objects)
  (map (lambda (object) (vector-ref object 0)) objects))

;; Without doubles, and whole.
(define (all-right? objects)
  (and (= (length objects) (length (delete-duplicates (numbers objects))))
       (every (lambda (object)
                (equal? (vector-ref object 1) (list (vector-ref object 0))))
              objects)))

(define (test-live)
  (define guardian (make-weak-guardian))
  (define object (new-target))
  (ok "a guardian is one" (weak-guardian? guardian))
  (ok "and a procedure" (procedure? guardian))
  (ok "none of Guile's is one" (not (weak-guardian? (make-guardian))))
  (ok "it shows itself"
      (contains? (object->string guardian) "#<weak-guardian"))
  (is "a new one returns #f" (guardian) #f)
  (is "what it is given to says nothing" (guardian object) (if #f #f))
  (collect)
  (is "what is live does not come" (guardian) #f)
  (vector-ref object 0))

(define (test-dead)
  (define guardian (make-weak-guardian))
  (guard-many guardian)
  (gc)
  (let ((taken (take-all guardian)))
    (ok "after one collection nearly all dropped objects come"
        (nearly-all? (length taken)))
    (ok "each once, whole" (all-right? taken))
    (collect)
    (ok "and not again while they are held"
        (null? (lset-intersection eq? taken (take-all guardian))))
    (for-each guardian taken)
    (set! taken '()))
  (gc)
  (ok "unless they are given to it again"
      (nearly-all? (length (take-all guardian)))))

(define (test-several)
  (define a (make-weak-guardian))
  (define b (make-weak-guardian))
  (guard-many a b a)
  (gc)
  (let ((from-a (take-all a)) (from-b (take-all b)))
    (ok "each guardian returns an object as often as it was given"
        (and (nearly-all? (length from-b))
             (= (length from-a) (* 2 (length from-b)))))
    (is "the same ones"
        (sort (delete-duplicates (numbers from-a)) <)
        (sort (numbers from-b) <))))

(define (test-representatives)
  (define guardian (make-weak-guardian))
  (define values (list #t '() 0 -1 most-positive-fixnum most-negative-fixnum
                       #\a "text" car))
  (define references
    (make-many (lambda (i)
                 (let ((object (new-target)))
                   (guardian object (list i))
                   (make-weak-reference object)))))
  (gc)
  (let ((taken (take-all guardian)))
    (ok "a representative comes in place of the object"
        (and (nearly-all? (length taken))
             (lset<= equal? taken (map list (iota many)))))
    (collect)
    (ok "which is dead"
        (>= (count (negate weak-reference-value) references)
            (length taken))))
  (for-each (lambda (value)
              (let ((object (new-target)))
                (guardian object value)
                (dispose! object)))
            values)
  (ok "it may be anything" (lset= eq? (take-all guardian) values)))

(define (test-representatives-that-lead-back)
  (define guardian (make-weak-guardian))
  (define references
    (make-many (lambda (i)
                 (let ((object (vector i)))
                   (guardian object (list object i))
                   (make-weak-reference object)))))
  (gc)
  (let ((taken (take-all guardian)))
    (ok "one that leads to the object does not keep it"
        (nearly-all? (length taken)))
    (ok "and brings it back"
        (every (lambda (pair) (equal? (vector-ref (car pair) 0) (cadr pair)))
               taken))
    (ok "for weak references too"
        (>= (count weak-reference-value references) (length taken)))))

(define (test-dispose)
  (define guardian (make-weak-guardian))
  (define object (new-target))
  (guardian object)
  (guardian object 'it)
  (dispose! object)
  (is "what stands for an object that was disposed of comes at once"
      (take-all guardian) '(it))
  (vector-ref object 0))

;; --- Beside others -----------------------------------------------------------

(define (test-with-guiles)
  (define ours (make-weak-guardian))
  (define guiles (make-guardian))
  (define returned 0)
  (guard-many ours guiles)
  (gc)
  (let ((taken (take-all ours)))
    (ok "objects that Guile's guardians have too come"
        (nearly-all? (length taken)))
    (ok "whole" (all-right? taken))
    (set! taken '()))
  (ok "and to Guile's afterwards"
      (until (lambda ()
               (set! returned (+ returned (length (take-all guiles))))
               (nearly-all? returned)))))

;; Finalizers of C's, which count.
(define finalized 0)
(define finalizer
  (procedure->pointer void (lambda (_) (set! finalized (1+ finalized))) '(*)))

(define (test-with-finalizers)
  (define guardian (make-weak-guardian))
  (make-many (lambda (i) (guardian (make-pointer (+ i 4096) finalizer))))
  (collect)
  (let ((before finalized) (taken (take-all guardian)))
    (is "no finalizer has run when its object comes" before 0)
    (ok "nearly all come" (nearly-all? (length taken)))
    (set! taken '()))
  (ok "the finalizers run when these are dropped"
      (until (lambda () (nearly-all? finalized)))))

(define (test-with-cleanups)
  (define guardian (make-weak-guardian))
  (define-values (count! counted) (callback-counter))
  (define table (make-weak-key-map))
  (make-many (lambda (i)
               (let ((object (vector i)))
                 (guardian object)
                 (weak-map-set! table object (list object))
                 (make-cleanup object count!))))
  (collect)
  (let ((before (counted)) (taken (take-all guardian)))
    (is "no cleanup has run when its object comes" before 0)
    (ok "nearly all come" (nearly-all? (length taken)))
    (ok "their entries in maps are there"
        (every (lambda (object)
                 (equal? (weak-map-ref table object) (list object)))
               taken))
    (set! taken '()))
  (ok "the cleanups run when these are dropped"
      (until (lambda () (nearly-all? (counted))))))

(define (test-guardians-go)
  (define (guard i)
    (let ((guardian (make-weak-guardian)))
      (map (lambda (n)
             (let ((object (vector n)))
               (guardian object)
               (make-weak-reference object)))
           (iota 10))))
  (define references (append-map guard (iota 100)))
  (ok "what guardians had that are gone dies"
      (until (lambda ()
               (nearly-all? (count (negate weak-reference-value)
                                   references))))))

(define (test-descriptor)
  (define guardian (make-weak-guardian))
  (define fd (weak-guardian-file-descriptor guardian))
  (define (readable?)
    (pair? (car (select (list fd) '() '() 0))))
  (is "a guardian has one descriptor"
      (weak-guardian-file-descriptor guardian) fd)
  (ok "it is not readable when there is nothing" (not (readable?)))
  (guard-many guardian)
  (gc)
  (ok "but when there is something" (readable?))
  (take-all guardian)
  (ok "and not when all is taken" (not (readable?))))

;; --- Threads and collections -------------------------------------------------

;; Gives away what it makes, and takes what there is.
(define (play guardian n)
  (let loop ((i 0) (taken '()))
    (if (= i 4000)
        taken
        (let ((number (+ i (* n 10000))))
          (guardian (vector number (list number)))
          (let ((object (guardian)))
            (loop (1+ i) (if object (cons object taken) taken)))))))

(define (test-storm)
  (define guardian (make-weak-guardian))
  (define kept (make-many (lambda (i) (vector (- -1 i) 'kept))))
  (define taken
    (begin
      (for-each guardian kept)
      (in-storm
       (lambda ()
         (append-map join-thread
                     (map (lambda (n)
                            (call-with-new-thread
                             (lambda () (play guardian n))))
                          (iota 4)))))))
  (collect)
  (let ((all (append (take-all guardian) taken)))
    (ok "nearly all come in a storm" (nearly-all? (length all) 16000))
    (ok "each once, whole" (all-right? all))
    (ok "and none that is held"
        (and (every vector? kept)
             (not (any (lambda (object) (negative? (vector-ref object 0)))
                       all))))))

(define (test-memory)
  (define guardian (make-weak-guardian))
  (define (live-after n)
    (do ((i 0 (1+ i))) ((= i n))
      (guardian (vector i))
      (guardian))
    (collect)
    (take-all guardian)
    (live-bytes))
  (let* ((first (live-after 10000))
         (second (live-after 50000)))
    (ok "what was taken leaves no memory behind"
        (< (- second first) (* 50000 16)))))

(test-live)
(test-dead)
(test-several)
(test-representatives)
(test-representatives-that-lead-back)
(test-dispose)
(test-with-guiles)
(test-with-finalizers)
(test-with-cleanups)
(test-guardians-go)
(test-descriptor)
(test-storm)
(test-memory)
(finish)
