;;; map.scm: weak maps: what is in them, and for how long.

(use-modules (gcweak) (t tap) (srfi srfi-1) (ice-9 control) (ice-9 threads))

;;; --- Looking and changing ---------------------------------------------------

(define (test-looking)
  (define table (make-weak-key-map))
  (define key (new-target))
  (is "what is not there is #f" (weak-map-ref table key) #f)
  (is "or the default" (weak-map-ref table key 'none) 'none)
  (weak-map-set! table key 1)
  (is "what was set is there" (weak-map-ref table key 'none) 1)
  (weak-map-set! table key 2)
  (is "the last" (weak-map-ref table key) 2)
  (is "once" (weak-map-count table) 1)
  (is "another object that is equal? has none"
      (weak-map-ref table (vector-copy key)) #f)
  (ok "a map is one" (weak-map? table))
  (ok "and equal? to itself alone"
      (and (equal? table table) (not (equal? table (make-weak-key-map)))))
  (ok "it shows itself"
      (contains? (object->string table) "#<weak-map weak keys 1>"))
  (is "what cannot be a key has no entry"
      (list (weak-map-ref table 1 'none) (weak-map-ref table #f 'none)
            (weak-map-ref table iota 'none) (weak-map-remove! table '() 'none))
      '(none none none none))
  (vector-ref key 0))

(define (test-default)
  (define table (make-weak-key-map))
  (define key (new-target))
  (is "a default is set where there is nothing"
      (weak-map-setdefault! table key 1) 1)
  (is "only there" (weak-map-setdefault! table key 2) 1)
  (weak-map-set! table key #f)
  (is "a value that is #f is one" (weak-map-setdefault! table key 2) #f)
  (weak-map-remove! table key)
  (is "after it is removed, there is none again"
      (weak-map-setdefault! table key 3) 3))

(define (test-replace)
  (define table (make-weak-key-map))
  (define key (new-target))
  (define text (string #\a))
  (is "nothing is not replaced" (weak-map-replace! table key #f 1) #f)
  (is "nor set thereby" (weak-map-count table) 0)
  (weak-map-set! table key text)
  (is "nor what is only equal?"
      (weak-map-replace! table key (string #\a) 1) #f)
  (is "what is expected is" (weak-map-replace! table key text #f) #t)
  (is "by the value" (weak-map-ref table key 'none) #f)
  (is "and #f by another" (weak-map-replace! table key #f 2) #t)
  (is "which is there" (weak-map-ref table key) 2))

(define (test-remove)
  (define table (make-weak-key-map))
  (define key (new-target))
  (is "where there is nothing, nothing is removed"
      (weak-map-remove! table key) #f)
  (is "or the default" (weak-map-remove! table key 'none) 'none)
  (weak-map-set! table key #f)
  (is "what is removed is returned" (weak-map-remove! table key 'none) #f)
  (is "and gone" (weak-map-ref table key 'none) 'none)
  (is "and not counted" (weak-map-count table) 0))

;; The word of a number may be that of an address, also within an object.
(define (numbers-like-addresses object)
  (map (lambda (offset) (quotient (+ (object-address object) offset) 4))
       '(0 4 8 16 20)))

(define place (new-target))
(define immediates
  (append (list #f #t '() (if #f #f) #nil #\a #\nul #\x10ffff
                0 1 -1 2 (ash 1 40) (- (ash 1 40)) (ash 1 58) (- (ash 1 58))
                most-positive-fixnum most-negative-fixnum)
          (numbers-like-addresses place)))
(define anything
  (append (list "text" 'symbol 1.5 (ash 1 100) car iota (list 1 2)
                (make-string 3 #\a) (lambda () place) place (current-thread))
          immediates))

(define (test-any-value make)
  (define table (make))
  (define key (new-target))
  (define (comes-back? value)
    (weak-map-set! table key value)
    (and (eq? (weak-map-ref table key 'none) value)
         (eq? (weak-map-setdefault! table key 'other) value)
         (equal? (weak-map-fold cons* '() table) (list key value))
         (weak-map-replace! table key value value)
         (eq? (weak-map-remove! table key 'none) value)))
  (is "any value comes back as it was" (remove comes-back? anything) '()))

(define (test-any-key)
  (define table (make-weak-value-map))
  (define objects (make-many (lambda (i) (new-target)) (length anything)))
  (for-each (lambda (key value) (weak-map-set! table key value))
            anything objects)
  (collect)
  (ok "with weak values anything can be a key"
      (every (lambda (key value) (eq? (weak-map-ref table key) value))
             anything objects))
  (is "each is another" (weak-map-count table) (length anything))
  (ok "all come in a walk"
      (lset= eq? anything
             (weak-map-fold (lambda (key value keys) (cons key keys))
                            '() table)))
  (ok "and can be removed"
      (every (lambda (key value) (eq? (weak-map-remove! table key) value))
             anything objects))
  (is "which leaves nothing" (weak-map-count table) 0))

;; Numbers are told from each other, however many there are.
(define (test-many-numbers)
  (define table (make-weak-value-map))
  (define value (new-target))
  (define numbers (iota 20000 -10000))
  (for-each (lambda (n) (weak-map-set! table n value)) numbers)
  (is "20,000 numbers are 20,000 keys" (weak-map-count table) 20000)
  (ok "all found again"
      (every (lambda (n) (eq? (weak-map-ref table n) value)) numbers))
  (is "and no others"
      (list (weak-map-ref table 10000) (weak-map-ref table -10001)) '(#f #f)))

;;; --- Deaths -----------------------------------------------------------------

;; Sets an entry of each of many dropped keys, whose value (value key) is.
(define (fill! table value)
  (make-many (lambda (i)
               (let ((key (new-target)))
                 (weak-map-set! table key (value key))))))

(define (nearly-empty? table)
  (collect)
  (<= (weak-map-count table) (* 5/100 many)))

(define (test-weak-keys)
  (define table (make-weak-key-map))
  (fill! table (const 1))
  (ok "with weak keys, entries of dead keys go" (nearly-empty? table))
  (fill! table list)
  (ok "also when the value leads to its key" (nearly-empty? table))
  (fill! table identity)
  (ok "or is its key" (nearly-empty? table))
  (fill! table (lambda (key) (lambda () key)))
  (ok "or is a procedure that closes over it" (nearly-empty? table)))

(define (test-values-live)
  (define table (make-weak-key-map))
  (define keys (make-many (lambda (i) (new-target))))
  (for-each (lambda (i key) (weak-map-set! table key (list (vector i))))
            (iota many) keys)
  (collect)
  (collect)
  (ok "values of live keys live, and what they lead to"
      (every (lambda (i key)
               (equal? (weak-map-ref table key) (list (vector i))))
             (iota many) keys))
  (is "all are counted" (weak-map-count table) many))

(define (test-strong-values)
  (define table (make-strong-value-map))
  (fill! table (lambda (key) (vector 1)))
  (ok "with strong values, entries of dead keys go" (nearly-empty? table))
  (set! table (make-strong-value-map))
  (fill! table list)
  (collect)
  (is "but not when the value leads to its key" (weak-map-count table) many))

(define (test-weak-values)
  (define table (make-weak-value-map))
  (for-each (lambda (i) (weak-map-set! table i (vector i))) (iota many))
  (ok "with weak values, entries of dead values go" (nearly-empty? table))
  (for-each (lambda (i)
              (let ((key (vector i)))
                (weak-map-set! table key (list key))))
            (iota many))
  (ok "also when the value leads to its key" (nearly-empty? table))
  (for-each (lambda (i)
              (let ((key (vector #f)))
                (vector-set! key 0 (list i))
                (weak-map-set! table key (vector-ref key 0))))
            (iota many))
  (ok "or the key to its value" (nearly-empty? table)))

(define (test-keys-live)
  (define table (make-weak-value-map))
  (define objects (make-many vector))
  (for-each (lambda (value) (weak-map-set! table (list value) value)) objects)
  (collect)
  (collect)
  (is "keys of live values live" (weak-map-count table) many)
  (ok "as they were"
      (weak-map-fold (lambda (key value right?)
                       (and right? (equal? key (list value))
                            (eq? (car key) value)))
                     #t table))
  (ok "and so do the values"
      (every (lambda (i value) (eqv? (vector-ref value 0) i))
             (iota many) objects)))

(define (test-doubly-weak)
  (define table (make-doubly-weak-map))
  (define objects (make-many (lambda (i) (new-target))))
  (for-each (lambda (key) (weak-map-set! table key (vector 1))) objects)
  (ok "doubly weak, entries of dead values go" (nearly-empty? table))
  (for-each (lambda (value) (weak-map-set! table (vector 1) value)) objects)
  (ok "and of dead keys" (nearly-empty? table))
  (for-each (lambda (value) (weak-map-set! table value value)) objects)
  (collect)
  (is "and those of live ones stay" (weak-map-count table) many)
  (ok "as they are"
      (every (lambda (object) (eq? (weak-map-ref table object) object))
             objects)))

;; A number is not taken for the object whose address it looks like.
(define (test-addresses)
  (define (held-by table put!)
    (define references
      (make-many (lambda (i)
                   (let ((object (new-target)))
                     (put! table (quotient (object-address object) 4))
                     (make-weak-reference object)))))
    (collect)
    (collect)
    (count weak-reference-value references))
  (define kept (make-many (lambda (i) (new-target))))
  (define rest kept)
  (define (next!)
    (let ((key (car rest)))
      (set! rest (cdr rest))
      key))
  (ok "a value that looks like an address holds nothing"
      (<= (held-by (make-weak-key-map)
                   (lambda (table number) (weak-map-set! table (next!) number)))
          (* 5/100 many)))
  (set! rest kept)
  (ok "nor does a key"
      (<= (held-by (make-weak-value-map)
                   (lambda (table number) (weak-map-set! table number (next!))))
          (* 5/100 many)))
  (is "the objects are live" (length kept) many))

;; Each of a chain lives by the one before.
(define (chain table n)
  (let loop ((i 0) (next 'end))
    (if (= i n)
        next
        (let ((key (vector i)))
          (weak-map-set! table key next)
          (loop (1+ i) key)))))

(define (length-of-chain table head)
  (let loop ((key head) (n 0))
    (if (vector? key) (loop (weak-map-ref table key) (1+ n)) n)))

(define (test-chains)
  (define table (make-weak-key-map))
  (define head (chain table 20000))
  (define heads #f)
  (collect)
  (is "a chain of 20,000 entries lives by its first"
      (length-of-chain table head) 20000)
  (set! head #f)
  (set! table (make-weak-key-map))
  (make-many (lambda (i) (chain table 100) #f) 100)
  (gc)
  (ok "and goes in one collection" (<= (weak-map-count table) 500)))

;; A hundred maps with ten entries each, and references to the values.
(define (test-maps-go)
  (define keys (make-many (lambda (i) (new-target))))
  (define (set-value! table key)
    (let ((value (vector 1)))
      (weak-map-set! table key value)
      (make-weak-reference value)))
  (define (fill-map i)
    (let ((table (make-weak-key-map)))
      (cons table (map (lambda (key) (set-value! table key))
                       (take (drop keys (* i 10)) 10)))))
  (define filled (make-many fill-map 100))
  (define references (append-map cdr filled))
  (define (dead) (count (negate weak-reference-value) references))
  (collect)
  (is "values live by their maps" (dead) 0)
  (for-each (lambda (pair) (set-car! pair #f)) filled)
  (ok "and not by their keys alone"
      (until (lambda () (nearly-all? (dead)))))
  (is "the keys are live" (length keys) many))

(define (test-dispose)
  (define table (make-weak-key-map))
  (define by-value (make-weak-value-map))
  (define object (new-target))
  (weak-map-set! table object 1)
  (weak-map-set! by-value 1 object)
  (dispose! object)
  (is "entries of what is disposed of are gone"
      (list (weak-map-ref table object 'none) (weak-map-ref by-value 1 'none)
            (weak-map-count table) (weak-map-count by-value))
      '(none none 0 0))
  (weak-map-set! table object 2)
  (is "it can have new ones" (weak-map-ref table object) 2))

;; Guile's guardians give back what the collector has found dead.
(define (test-guardian)
  (define table (make-weak-key-map))
  (define guardian (make-guardian))
  (define returned 0)
  (define with-entry 0)
  (make-many (lambda (i)
               (let ((key (vector i)))
                 (guardian key)
                 (weak-map-set! table key (list key)))))
  (ok "guardians get their objects, though a map has them"
      (until
       (lambda ()
         (let loop ()
           (let ((key (guardian)))
             (when key
               (set! returned (1+ returned))
               (when (weak-map-ref table key) (set! with-entry (1+ with-entry)))
               (loop))))
         (nearly-all? returned))))
  (is "without their entries" with-entry 0))

;;; --- Walks ------------------------------------------------------------------

;; Two values: a map from each number below `n', and what it leads to.
(define (filled-map n)
  (let ((table (make-weak-value-map))
        (objects (make-many vector n)))
    (for-each (lambda (i object) (weak-map-set! table i object))
              (iota n) objects)
    (values table objects)))

(define (test-walk)
  (define-values (table objects) (filled-map many))
  (define seen '())
  (weak-map-for-each (lambda (key value) (set! seen (acons key value seen)))
                     table)
  (is "each entry comes once" (sort (map car seen) <) (iota many))
  (ok "with its value"
      (every (lambda (entry) (eqv? (car entry) (vector-ref (cdr entry) 0)))
             seen))
  (is "a fold passes on what is returned"
      (weak-map-fold (lambda (key value sum) (+ key sum)) 1 table)
      (+ 1 (apply + (iota many))))
  (is "an empty map has none"
      (weak-map-fold (const 'called) 'init (make-weak-key-map)) 'init)
  (is "the objects are live" (length objects) many))

(define (test-removals-meanwhile)
  (define-values (table objects) (filled-map many))
  (define calls 0)
  (weak-map-for-each
   (lambda (key value)
     (set! calls (1+ calls))
     (for-each (lambda (other) (weak-map-remove! table other))
               (delv key (iota many))))
   table)
  (is "what is removed before its turn does not come" calls 1)
  (is "the objects are live" (length objects) many))

(define (test-additions-meanwhile)
  (define-values (table objects) (filled-map many))
  (define seen '())
  (weak-map-for-each
   (lambda (key value)
     (set! seen (cons key seen))
     (when (zero? (modulo key 100)) (gc))
     (weak-map-set! table (+ key many) value))
   table)
  (is "what is there all the while comes once, though others are added"
      (sort (filter (lambda (key) (< key many)) seen) <) (iota many))
  (ok "and those at most once"
      (= (length seen) (length (delete-duplicates seen))))
  (ok "all objects are live" (every vector? objects)))

(define (test-leaving)
  (define-values (table objects) (filled-map 100))
  (is "a walk can be left"
      (let/ec escape
        (weak-map-for-each (lambda (key value) (escape 'left)) table))
      'left)
  (raises "also by an error" 'my-error
          (lambda ()
            (weak-map-fold (lambda _ (throw 'my-error)) #f table)))
  (let ((seen '()))
    (define (walk)
      (weak-map-for-each (lambda (key value)
                           (abort-to-prompt 'tag)
                           (set! seen (cons key seen)))
                         table))
    (let loop ((go-on walk))
      (call-with-prompt 'tag
        (lambda () (go-on))
        (lambda (continue)
          (when (zero? (modulo (length seen) 10)) (collect))
          (loop continue))))
    (is "or suspended and resumed at each entry" (sort seen <) (iota 100)))
  (is "the map is whole" (weak-map-count table) (length objects)))

;;; --- Threads and collections ------------------------------------------------

(define (in-threads n proc)
  (map join-thread
                (map (lambda (i)
                                (call-with-new-thread (lambda () (proc i))))
                              (iota n))))

(define (in-threads n proc)
  (map join-thread
       (map (lambda (i) (call-with-new-thread (lambda () (proc i))))
            (iota n))))

(define (test-defaults-race)
  (define table (make-weak-key-map))
  (define keys (list->vector (make-many (lambda (i) (new-target)))))
  (define (set-defaults n)
    (define got (make-vector many))
    (do ((i 0 (1+ i))) ((= i many) got)
      (vector-set! got i (weak-map-setdefault! table (vector-ref keys i)
                                               (list n)))))
  (define got (in-storm (lambda () (in-threads 4 set-defaults))))
  (ok "all threads that set a default get the winner's"
      (every (lambda (i)
               (every (lambda (values)
                        (eq? (vector-ref values i)
                             (weak-map-ref table (vector-ref keys i))))
                      got))
             (iota many))))

(define (test-replace-race)
  (define table (make-weak-key-map))
  (define key (new-target))
  (define (count-up! _)
    (do ((i 0 (1+ i))) ((= i 5000))
      (let loop ()
        (let ((n (weak-map-ref table key)))
          (unless (weak-map-replace! table key n (1+ n))
            (loop))))))
  (weak-map-set! table key 0)
  (in-storm (lambda () (in-threads 4 count-up!)))
  (is "no replacement is lost" (weak-map-ref table key) 20000))

;; Each thread has its own objects, and keeps the last hundred; a value tells
;; its object's number.
(define (play table n put! right?)
  (define kept (make-vector 100 #f))
  (let loop ((i 0) (all-right? #t))
    (if (= i 4000)
        all-right?
        (let ((object (vector i n)))
          (put! object i n)
          (vector-set! kept (modulo i 100) object)
          (loop (1+ i)
                (and all-right?
                     (let ((one (vector-ref kept (modulo (* i 7) 100))))
                       (or (not one) (right? one)))))))))

(define (storm what table put! right? entry-right?)
  (define (walk)
    (every (lambda (i)
             (weak-map-fold (lambda (key value right?)
                              (and right? (entry-right? key value)))
                            #t table))
           (iota 20)))
  (define results
    (in-storm
     (lambda ()
       (in-threads 4 (lambda (n)
                       (if (= n 3)
                           (walk)
                           (play table n put! right?)))))))
  (is (string-append what ": nothing is lost or wrong in a storm")
      results '(#t #t #t #t))
  (ok (string-append what ": what was dropped goes")
      (begin
        (collect)
        (<= (weak-map-count table) (* 12000 5/100)))))

(define (same-numbers? object value)
  (equal? (cdr value) (vector->list object)))

(define (test-storms)
  (let ((table (make-weak-key-map)))
    (storm "weak keys" table
           (lambda (key i n) (weak-map-set! table key (list key i n)))
           (lambda (key) (same-numbers? key (weak-map-ref table key)))
           (lambda (key value)
             (and (eq? key (car value)) (same-numbers? key value)))))
  (let ((table (make-weak-value-map)))
    (define (id i n) (+ i (* n 10000)))
    (storm "weak values" table
           (lambda (object i n) (weak-map-set! table (id i n) object))
           (lambda (object)
             (eq? object (weak-map-ref table
                                       (id (vector-ref object 0)
                                           (vector-ref object 1)))))
           (lambda (key object)
             (eqv? key (id (vector-ref object 0) (vector-ref object 1))))))
  (let ((table (make-doubly-weak-map)))
    (storm "doubly weak" table
           (lambda (object i n) (weak-map-set! table object object))
           (lambda (object) (eq? object (weak-map-ref table object)))
           eq?))
  (let ((table (make-strong-value-map)))
    (storm "strong values" table
           (lambda (object i n) (weak-map-set! table object (list #f i n)))
           (lambda (object) (same-numbers? object (weak-map-ref table object)))
           same-numbers?)))

(define (test-memory)
  (define table (make-weak-key-map))
  (define (make! n)
    (do ((i 0 (1+ i))) ((= i n))
      (let ((key (vector i)))
        (weak-map-set! table key (list key)))))
  (ok "entries that went leave no memory behind"
      (leaves-nothing? make! 100000 16)))

(test-looking)
(test-default)
(test-replace)
(test-remove)
(for-each test-any-value (list make-weak-key-map make-strong-value-map))
(test-any-key)
(test-many-numbers)
(test-weak-keys)
(test-values-live)
(test-strong-values)
(test-weak-values)
(test-keys-live)
(test-doubly-weak)
(test-addresses)
(test-chains)
(test-maps-go)
(test-dispose)
(test-guardian)
(test-walk)
(test-removals-meanwhile)
(test-additions-meanwhile)
(test-leaving)
(test-defaults-race)
(test-replace-race)
(test-storms)
(test-memory)
(finish)
