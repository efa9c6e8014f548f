;;; guardian.scm: guardians that leave finalizers alone.

(use-modules (gcweak) (t tap) (srfi srfi-1) (ice-9 threads)
             (system foreign))

;; Calls (proc object) for all that the guardian has to return, and returns how
;; many that were.  What is to die afterwards stands in no list, which would be
;; held as a whole by a stale word.
(define* (take-all guardian #:optional (proc identity))
  (let loop ((n 0))
    (let ((next (guardian)))
      (cond (next (proc next)
                  (loop (1+ n)))
            (else n)))))

(define (list-all guardian)
  (let ((taken '()))
    (take-all guardian (lambda (object) (set! taken (cons object taken))))
    taken))

;; Whether (right? object) of all, and nearly all have come.
(define (ok-for-all what guardian right?)
  (define wrong 0)
  (define (look object)
    (unless (right? object)
      (set! wrong (1+ wrong))))
  (define taken 0)
  (define collections 0)
  (define all?
    (until (lambda ()
             (set! collections (1+ collections))
             (set! taken (+ taken (take-all guardian look)))
             (nearly-all? taken))))
  (ok what (and all? (zero? wrong)))
  (unless (and all? (zero? wrong) (= collections 1))
    (format #t "# ~a came in ~a collections, of which ~a were wrong~%"
            taken collections wrong)))

;; Numbered objects, given to the guardians and dropped.
(define (guard-many . guardians)
  (make-many (lambda (i)
               (let ((object (vector i (list i))))
                 (for-each (lambda (guardian) (guardian object)) guardians)))))

(define (whole? object)
  (equal? (vector-ref object 1) (list (vector-ref object 0))))

(define (numbers objects)
  (map (lambda (object) (vector-ref object 0)) objects))

;; Without doubles, and whole.
(define (all-right? objects)
  (and (= (length objects) (length (delete-duplicates (numbers objects))))
       (every whole? objects)))

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
  (ok-for-all "after one collection nearly all dropped objects come, whole"
              guardian whole?)
  (guard-many guardian)
  (gc)
  (let ((held (list-all guardian)))
    (collect)
    (ok "not again while they are held"
        (null? (lset-intersection eq? held (list-all guardian))))))

(define (test-given-again)
  (define first (make-weak-guardian))
  (define second (make-weak-guardian))
  (guard-many first)
  (gc)
  (take-all first second)
  (gc)
  (ok-for-all "what was given away again comes again" second whole?)
  (gc)
  (ok "and then no more"
      (<= (+ (take-all first) (take-all second)) (* 5/100 many))))

(define (test-several)
  (define a (make-weak-guardian))
  (define b (make-weak-guardian))
  (guard-many a b a)
  (gc)
  (let ((from-a (list-all a)) (from-b (list-all b)))
    (ok "each guardian returns an object as often as it was given"
        (and (nearly-all? (length from-b))
             (= (length from-a) (* 2 (length from-b)))))
    (ok "each time the same ones, whole"
        (and (all-right? from-b) (lset= eq? from-a from-b)))))

(define (test-representatives)
(test-any-representative)
  (define guardian (make-weak-guardian))
  (define references
    (make-many (lambda (i)
                 (let ((object (new-target)))
                   (guardian object (list i))
                   (make-weak-reference object)))))
  (gc)
  (let ((taken (list-all guardian)))
    (ok "a representative comes in place of the object"
        (and (nearly-all? (length taken))
             (lset<= equal? taken (map list (iota many)))))
    (ok "which is dead"
        (>= (count (negate weak-reference-value) references)
            (length taken)))))

(define (test-any-representative)
  (define guardian (make-weak-guardian))
  (define values (list #t '() 0 -1 most-positive-fixnum most-negative-fixnum
                       #\a "text" car))
  (for-each (lambda (value)
              (let ((object (new-target)))
                (guardian object value)
                (dispose! object)))
            values)
  (ok "a representative may be anything"
      (lset= eq? (list-all guardian) values)))

(define (test-representatives-that-lead-back)
  (define guardian (make-weak-guardian))
  (define references
    (make-many (lambda (i)
                 (let ((object (vector i)))
                   (guardian object (list object i))
                   (make-weak-reference object)))))
  (gc)
  (let ((taken (list-all guardian)))
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
      (list-all guardian) '(it))
  (vector-ref object 0))

;; --- Beside others -----------------------------------------------------------

(define (test-with-guiles)
  (define ours (make-weak-guardian))
  (define guiles (make-guardian))
  (define returned 0)
  (guard-many ours guiles)
  (gc)
  (ok-for-all "objects that Guile's guardians have too come" ours whole?)
  (ok "and to Guile's afterwards"
      (until (lambda ()
               (set! returned (+ returned (take-all guiles)))
               (nearly-all? returned)))))

;; Finalizers of C's, which may run on several threads: each has a place of its
;; own for what it tells.
(define finalized (make-vector many #f))
(define (finalize pointer)
  (vector-set! finalized (- (pointer-address pointer) 4096) #t))
(define finalizer (procedure->pointer void finalize '(*)))
(define (finalizers-run)
  (count identity (vector->list finalized)))

(define (test-with-finalizers)
  (define guardian (make-weak-guardian))
  (make-many (lambda (i) (guardian (make-pointer (+ i 4096) finalizer))))
  (collect)
  (is "no finalizer has run when its object comes" (finalizers-run) 0)
  (ok-for-all "nearly all come" guardian pointer?)
  (ok "the finalizers run when these are dropped"
      (until (lambda () (nearly-all? (finalizers-run))))))

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
  (is "no cleanup has run when its object comes" (counted) 0)
  (ok-for-all "nearly all come, and their entries in maps are there" guardian
              (lambda (object)
                (equal? (weak-map-ref table object) (list object))))
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

(define (test-port)
  (define guardian (make-weak-guardian))
  (define port (weak-guardian-port guardian))
  (define (readable?)
    (pair? (car (select (list port) '() '() 0))))
  (ok "a guardian's port has a descriptor of its own"
      (not (= (fileno port) (weak-guardian-file-descriptor guardian))))
  (ok "it is not readable when there is nothing" (not (readable?)))
  (guard-many guardian)
  (gc)
  (ok "a port is readable when there is something" (readable?))
  (take-all guardian)
  (ok "and a port is not when all is taken" (not (readable?)))
  (close-port port)
  (guard-many guardian)
  (gc)
  (ok "the guardian's own descriptor stays open"
      (pair? (car (select (list (weak-guardian-file-descriptor guardian))
                          '() '() 0)))))

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
  (let ((all (append (list-all guardian) taken)))
    (ok "nearly all come in a storm" (nearly-all? (length all) 16000))
    (ok "each once, whole" (all-right? all))
    (ok "and none that is held"
        (and (every vector? kept)
             (not (any (lambda (object) (negative? (vector-ref object 0)))
                       all))))))

(define (test-memory)
  (define guardian (make-weak-guardian))
  (define (make! n)
    (do ((i 0 (1+ i))) ((= i n))
      (guardian (vector i))
      (guardian))
    (collect)
    (take-all guardian))
  (ok "what was taken leaves no memory behind"
      (leaves-nothing? make! 50000 16)))

(test-live)
(test-dead)
(test-given-again)
(test-several)
(test-representatives)
(test-any-representative)
(test-representatives-that-lead-back)
(test-dispose)
(test-with-guiles)
(test-with-finalizers)
(test-with-cleanups)
(test-guardians-go)
(test-descriptor)
(test-port)
(test-storm)
(test-memory)
(finish)
