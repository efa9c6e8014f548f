;;; ephemeron.scm: ephemerons, and the module of SRFI 124.

(use-modules (gcweak) (t tap) (srfi srfi-1) (ice-9 threads))

(define srfi-124
  '(ephemeron-broken? ephemeron-datum ephemeron-key ephemeron?
    make-ephemeron reference-barrier))

(define (test-names)
  (define interface (resolve-interface '(gcweak srfi-124)))
  (is "(gcweak srfi-124) has the names of the SRFI"
      (sort (map symbol->string (module-map (lambda (name _) name) interface))
            string<?)
      (map symbol->string srfi-124))
  (ok "they are those of (gcweak)"
      (every (lambda (name)
               (eq? (module-variable interface name)
                    (module-variable (resolve-interface '(gcweak)) name)))
             srfi-124)))

(define (whole? ephemeron key datum)
  (and (not (ephemeron-broken? ephemeron))
       (eq? (ephemeron-key ephemeron) key)
       (eq? (ephemeron-datum ephemeron) datum)))

(define (broken? ephemeron)
  (and (ephemeron-broken? ephemeron)
       (not (ephemeron-key ephemeron))
       (not (ephemeron-datum ephemeron))))

(define (test-parts)
  (define key (new-target))
  (define ephemeron (make-ephemeron key 'datum))
  (ok "an ephemeron is one" (ephemeron? ephemeron))
  (ok "it has its parts" (whole? ephemeron key 'datum))
  (ok "which may be one" (whole? (make-ephemeron key key) key key))
  (ok "the datum may be anything"
      (every (lambda (datum) (whole? (make-ephemeron key datum) key datum))
             (list #f #t '() 0 -1 most-positive-fixnum most-negative-fixnum
                   #\a "text" car ephemeron)))
  (ok "the barrier takes anything"
      (every (lambda (x) (reference-barrier x) #t) (list key 1 #f)))
  (ok "it shows that it is whole"
      (contains? (object->string ephemeron) "#<ephemeron whole>"))
  (dispose! key)
  (ok "what was disposed of has broken it" (broken? ephemeron))
  (ok "which it shows"
      (contains? (object->string ephemeron) "#<ephemeron broken>")))

;; An address in compiled code of Guile itself: no object of the heap.
(define constant iota)

(define (test-keys-that-never-die)
  (define keys (list #f #t '() 1 -1 #\a constant))
  (define ephemerons (map (lambda (key) (make-ephemeron key (vector key)))
                          keys))
  (collect)
  (collect)
  (ok "what never dies does not break one"
      (every (lambda (key ephemeron)
               (and (not (ephemeron-broken? ephemeron))
                    (eq? (ephemeron-key ephemeron) key)
                    (equal? (ephemeron-datum ephemeron) (vector key))))
             keys ephemerons)))

(define (nearly-all-broken? ephemerons)
  (collect)
  (nearly-all? (count broken? ephemerons)))

(define (ephemerons-of datum)
  (make-many (lambda (i)
               (let ((key (new-target)))
                 (make-ephemeron key (datum key))))))

(define (test-deaths)
  (ok "dead keys break theirs" (nearly-all-broken? (ephemerons-of (const 1))))
  (ok "also when the datum leads to the key"
      (nearly-all-broken? (ephemerons-of list)))
  (ok "or is the key" (nearly-all-broken? (ephemerons-of identity)))
  (ok "or closes over it"
      (nearly-all-broken? (ephemerons-of (lambda (key) (lambda () key)))))
  (ok "each is whole or broken"
      (every (lambda (ephemeron)
               (or (broken? ephemeron)
                   (memq (ephemeron-key ephemeron)
                         (ephemeron-datum ephemeron))))
             (let ((ephemerons (ephemerons-of list)))
               (gc)
               ephemerons))))

;; Two ephemerons, the datum of each of which leads to the other's key.
(define (test-mutual)
  (define (pair-of i)
    (let ((a (vector i)) (b (vector i)))
      (cons (make-ephemeron a (list b)) (make-ephemeron b (list a)))))
  (define pairs (make-many pair-of))
  (collect)
  (ok "two that lead to each other's keys break"
      (nearly-all? (count (lambda (pair)
                            (and (broken? (car pair)) (broken? (cdr pair))))
                          pairs))))

(define (test-live)
  (define keys (make-many vector))
  (define ephemerons
    (map (lambda (i key) (make-ephemeron key (list (number->string i))))
         (iota many) keys))
  (collect)
  (collect)
  (ok "data of live keys live"
      (every (lambda (i key ephemeron)
               (and (eq? (ephemeron-key ephemeron) key)
                    (equal? (ephemeron-datum ephemeron)
                            (list (number->string i)))))
             (iota many) keys ephemerons)))

(define (test-data-go)
  (define keys (make-many vector))
  (define references
    (map (lambda (key)
           (let ((datum (new-target)))
             (make-ephemeron key datum)
             (make-weak-reference datum)))
         keys))
  (ok "data of ephemerons that were dropped die"
      (until (lambda ()
               (nearly-all? (count (negate weak-reference-value)
                                   references)))))
  (is "the keys are live" (length keys) many))

;; What a barrier comes after is not broken.
(define (test-barrier)
  (ok "a barrier keeps the key until then"
      (every (lambda (i)
               (let* ((key (vector i))
                      (ephemeron (make-ephemeron key 1)))
                 (gc)
                 (let ((broken (ephemeron-broken? ephemeron)))
                   (reference-barrier key)
                   (not broken))))
             (iota 20))))

;; One thread makes and drops, the others look at the last hundred.
(define (play n)
  (define kept (make-vector 100 #f))
  (define (right? i)
    (let ((ephemeron (vector-ref kept (modulo i 100))))
      (or (not ephemeron)
          (let ((datum (ephemeron-datum ephemeron))
                (key (ephemeron-key ephemeron)))
            (if key
                (and (eq? (car datum) key)
                     (equal? (cdr datum) (vector->list key)))
                (ephemeron-broken? ephemeron))))))
  (every (lambda (i)
           (let ((key (vector i n)))
             (vector-set! kept (modulo i 100)
                          (make-ephemeron key (list key i n)))
             (and (right? i) (right? (* i 7)) (right? (* i 13)))))
         (iota 4000)))

(define (test-storm)
  (is "nothing is wrong in a storm"
      (in-storm
       (lambda ()
         (map join-thread
              (map (lambda (n) (call-with-new-thread (lambda () (play n))))
                   (iota 4)))))
      '(#t #t #t #t)))

(define (test-memory)
  (define (make! n)
    (ephemerons-of list)
    (do ((i 0 (1+ i))) ((= i n))
      (let ((key (vector i)))
        (make-ephemeron key (list key)))))
  (ok "ephemerons that were dropped leave no memory behind"
      (leaves-nothing? make! 50000 16)))

(test-names)
(test-parts)
(test-keys-that-never-die)
(test-deaths)
(test-mutual)
(test-live)
(test-data-go)
(test-barrier)
(test-storm)
(test-memory)
(finish)
