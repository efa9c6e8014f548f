;;; method.scm: weak references and weak methods.

(use-modules (gcweak) (t tap) (srfi srfi-1) (ice-9 control) (ice-9 threads)
             (rnrs bytevectors) (oop goops))

;;; --- References ------------------------------------------------------------

(define (test-references)
  (define object (new-target))
  (define reference (make-weak-reference object))
  (ok "a reference is one" (weak-reference? reference))
  (ok "nothing else is a reference"
      (not (any weak-reference? (list 1 #f "text" object car))))
  (ok "it gives its object" (eq? (weak-reference-value reference) object))
  (ok "references of one object are equal"
      (equal? reference (make-weak-reference object)))
  (ok "references of equal objects are not"
      (not (equal? reference (make-weak-reference (new-target)))))
  (ok "it shows itself"
      (contains? (object->string reference) "#<weak-reference"))
  (dispose! object)
  (is "after dispose! it gives #f" (weak-reference-value reference) #f)
  (ok "an object that was disposed of can have another"
      (eq? (weak-reference-value (make-weak-reference object)) object))
  (ok "which is not equal to the first"
      (not (equal? reference (make-weak-reference object)))))

(define (test-kinds-of-objects)
  (for-each
   (lambda (object)
     (is (string-append "an object may be " (object->string object))
         (weak-reference-value (make-weak-reference object))
         object))
   (list (list 1 2) (string #\a #\b) (vector 1) (make-bytevector 8 0)
         (expt 7 100) 1.5 (string->symbol "a symbol")
         (make-weak-key-hash-table) (let ((n (random 9))) (lambda () n))
         (make-parameter 1) (current-thread) (current-module)
         (open-input-string "port") (make <object>) (make-weak-reference table)
         ((record-constructor (make-record-type 'point '(x y))) 1 2))))
(define table (make-hash-table))

(define (test-deaths-of-references)
  (define references
    (make-many (lambda (i) (make-weak-reference (new-target)))))
  (collect)
  (ok "nearly all references to dropped objects read #f"
      (nearly-all? (count (negate weak-reference-value) references))))

(define (test-holding)
(test-long-references)
(test-printing-of-deaths)
  (define held (make-many (lambda (i) (new-target))))
  (define references (map make-weak-reference held))
  (collect)
  (ok "references to objects that are held read the objects"
      (every eq? held (map weak-reference-value references))))

;; Guile's guardians bring objects back.
(define (test-long-references)
  (define object (new-target))
  (define long (make-weak-reference object #:long? #t))
  (define guardian (make-guardian))
  (define (guarded i)
    (on-new-target
     (lambda (object)
       (guardian object)
       (cons (make-weak-reference object)
             (make-weak-reference object #:long? #t)))))
  (define (back objects)
    (let ((object (guardian)))
      (if object (back (cons object objects)) objects)))
  (define (go?)
    (let ((references (make-many guarded))
          (objects '()))
      (until (lambda ()
               (set! objects (back objects))
               (nearly-all? (length objects))))
      (set! objects '())
      (until (lambda ()
               (nearly-all? (count (lambda (pair)
                                     (not (weak-reference-value (cdr pair))))
                                   references))))))
  (ok "a long reference gives its object"
      (eq? (weak-reference-value long) object))
  (ok "it is equal to another"
      (equal? long (make-weak-reference object #:long? #t)))
  (ok "but not to the short one"
      (not (equal? long (make-weak-reference object))))
  (dispose! object)
  (is "after dispose! it gives #f" (weak-reference-value long) #f)
  (let* ((references (make-many guarded))
         (objects '()))
    (until (lambda ()
             (set! objects (back objects))
             (nearly-all? (length objects))))
    (ok "nearly all objects that were finalized have lost short references"
        (nearly-all? (count (lambda (pair)
                              (not (weak-reference-value (car pair))))
                            references)))
    (is "but none of those that were brought back a long one"
        (count (lambda (pair) (memq (weak-reference-value (cdr pair)) objects))
               references)
        (length objects))
    (set! objects '()))
  ;; A guardian of Guile's has a list of its own: a stale word that leads to a
  ;; pair of it holds all that came after.  So it may take another try.
  (ok "which goes with them" (or (go?) (go?) (go?))))

;; As print-exception prints it, which reports and prompts call.
(define (printed thunk)
  (catch #t
    (lambda () (thunk) "nothing was thrown")
    (lambda (key . args)
      (call-with-output-string
       (lambda (port) (print-exception port #f key args))))))

(define (test-printing-of-deaths)
  (define object (new-target))
  (define method (make-weak-method object list))
  (dispose! object)
  (is "what dead-object throws is printed as Guile's own"
      (printed (lambda () (weak-method-call method)))
      "In procedure weak-method-call: The object is dead\n")
  (is "by connecting, too"
      (printed (lambda () (event-connect! (make-event) method)))
      "In procedure event-connect!: The object is dead\n")
  (is "another use of the key is left alone"
      (printed (lambda () (throw 'dead-object 1)))
      "Throw to key `dead-object' with args `(1)'.\n"))

;;; --- Methods ---------------------------------------------------------------

(define (add-up object . args)
  (vector-set! object 0 args)
  (apply + args))

(define (test-calls)
  (define object (new-target))
  (define method (make-weak-method object add-up))
  (ok "a method is one" (weak-method? method))
  (ok "nothing else is a method"
      (not (any weak-method? (list 1 #f object add-up
                                   (make-weak-reference object)))))
  (is "a call gives the result" (weak-method-call method 1 2 3) 6)
  (is "the procedure got object and arguments" (vector-ref object 0) '(1 2 3))
  (is "there may be no arguments" (weak-method-call method) 0)
  (is "there may be many arguments"
      (apply weak-method-call method (iota 500)) (apply + (iota 500)))
  (ok "it is alive" (weak-method-alive? method))
  (ok "it shows itself and its procedure"
      (contains? (object->string method) "#<weak-method" "add-up"))
  (is "several values come through"
      (call-with-values
          (lambda ()
            (weak-method-call
             (make-weak-method object (lambda (self . args)
                                        (apply values args)))
             1 2))
        list)
      '(1 2))
  (raises "what the procedure throws comes through" 'wrong-type-arg
          (lambda () (weak-method-call method 'one)))
  (is "it can be left by an escape"
      (let/ec leave
        (weak-method-call (make-weak-method object (lambda (self) (leave 7))))
        'not-left)
      7)
  (is "it can be left and entered again"
      (test-reentry (make-weak-method object (lambda (self) (self-reentry))))
      '(first second)))

;; A continuation taken in a method's procedure, and used after its return.
(define reenter #f)
(define (self-reentry)
  (call/cc (lambda (k) (set! reenter k) 'first)))
(define (test-reentry method)
  (define results '())
  (let ((result (weak-method-call method)))
    (set! results (append results (list result)))
    (if (eq? result 'first)
        (reenter 'second)
        results)))

(define (test-death)
  (define object (new-target))
  (define method (make-weak-method object add-up))
  (define hash (weak-method-hash method 1000))
  (dispose! object)
  (ok "a dead method is not alive" (not (weak-method-alive? method)))
  (raises "calling it throws to dead-object" 'dead-object
          (lambda () (weak-method-call method 1)))
  (ok "with a message that can be printed"
      (let ((text (call-with-output-string
                   (lambda (port)
                     (catch 'dead-object
                       (lambda () (weak-method-call method 1))
                       (lambda (key . args)
                         (print-exception port #f key args)))))))
        (contains? text "weak-method-call")))
  (is "it cannot be bound" (weak-method-bind method) #f)
  (is "call-with-live gives #f"
      (call-with-live method (lambda (self) 'called)) #f)
  (is "or calls the other thunk"
      (call-with-live method (lambda (self) 'called) (lambda () 'dead)) 'dead)
  (is "its hash stays" (weak-method-hash method 1000) hash)
  (ok "it stays equal to itself" (weak-method=? method method))
  (ok "it shows that it is dead"
      (contains? (object->string method) "#<weak-method" "dead"))
  (raises "its death cannot be waited for" 'dead-object
          (lambda () (weak-method-on-death! method identity))))

(define (test-live)
  (define object (new-target))
  (define method (make-weak-method object add-up))
  (define reference (make-weak-reference object))
  (is "call-with-live takes a method"
      (call-with-live method (lambda (self) (eq? self object))) #t)
  (is "and a reference"
      (call-with-live reference (lambda (self) (eq? self object))) #t)
  (is "call-with-live gives all values"
      (call-with-values
          (lambda () (call-with-live method (lambda (self) (values 1 2))))
        list)
      '(1 2))
  (is "call-with-live can be left"
      (let/ec leave (call-with-live method (lambda (self) (leave 'left))))
      'left)
  (is "a bound method calls it" ((weak-method-bind method) 3 4) 7)
  (ok "the object lives until the end of call-with-live"
      (every (lambda (reference)
               (call-with-live reference
                               (lambda (self)
                                 (gc)
                                 (vector? (weak-reference-value reference)))
                               (const #t)))
             (make-many (lambda (i) (make-weak-reference (new-target))) 30))))

(define (test-bound-holds)
  (define bound
    (make-many (lambda (i)
                 (on-new-target
                  (lambda (object)
                    (weak-method-bind (make-weak-method object add-up)))))))
  (collect)
  (ok "bound methods keep their objects"
      (every (lambda (procedure) (= (procedure 1 2) 3)) bound)))

(define (test-equality)
  (define object (new-target))
  (define method (make-weak-method object add-up))
  (define same (make-weak-method object add-up))
  (define others
    (list (make-weak-method object car)
          (make-weak-method (new-target) add-up)))
  (ok "methods of the same parts are the same" (weak-method=? method same))
  (ok "and equal?" (equal? method same))
  (is "and have one hash"
      (weak-method-hash method 97) (weak-method-hash same 97))
  (ok "a hash is within its size"
      (every (lambda (n)
               (let ((hash (weak-method-hash (make-weak-method object add-up)
                                             (1+ n))))
                 (and (exact-integer? hash) (<= 0 hash n))))
             (iota 50)))
  (ok "hashes differ"
      (> (length (delete-duplicates
                  (make-many (lambda (i)
                               (weak-method-hash
                                (make-weak-method (new-target) add-up)
                                most-positive-fixnum))
                             100)))
         90))
  (ok "another object or procedure makes another method"
      (not (any (lambda (other)
                  (or (weak-method=? method other) (equal? method other)))
                others)))
  (ok "a method equals nothing else"
      (not (or (equal? method object) (equal? method add-up)))))

(define (test-tables)
  (define table (make-hash-table))
  (define (same key alist)
    (find (lambda (entry) (weak-method=? (car entry) key)) alist))
  (define objects (make-many (lambda (i) (new-target)) 100))
  (define (method object) (make-weak-method object add-up))
  (for-each (lambda (object i)
              (hashx-set! weak-method-hash same table (method object) i))
            objects (iota 100))
  (is "methods can be keys of a table"
      (map (lambda (object)
             (hashx-ref weak-method-hash same table (method object)))
           objects)
      (iota 100)))

(define (test-on-death)
  (define-values (count! counted) (callback-counter))
  (define methods
    (make-many
     (lambda (i)
       (on-new-target
        (lambda (object)
          (let ((method (make-weak-method object add-up)))
            (weak-method-on-death! method
              (lambda (dead)
                (when (and (eq? dead method) (not (weak-method-alive? dead)))
                  (count!))))
            method))))))
  (ok "nearly all deaths are told, with the method"
      (until (lambda () (nearly-all? (counted)))))
  (collect)
  (is "each once" (counted)
      (count (negate weak-method-alive?) methods)))

(define (test-on-death-handle)
  (define object (new-target))
  (define method (make-weak-method object add-up))
  (define-values (count! counted) (callback-counter))
  (define cleanup (weak-method-on-death! method count!))
  (ok "on-death gives a cleanup" (cleanup? cleanup))
  (ok "which can be detached" (cleanup-detach! cleanup))
  (dispose! object)
  (drain!)
  (is "then no call comes" (counted) 0))

(define (test-a-long-loop)
  (define-values (dead wrong)
    (let loop ((i 0) (methods '()) (wrong 0))
      (if (= i 100000)
          (begin
            (collect)
            (values (count (negate weak-method-alive?) methods) wrong))
          (let* ((object (vector i))
                 (method (make-weak-method object
                                           (lambda (self n)
                                             (+ n (vector-ref self 0)))))
                 (right (= (weak-method-call method 1) (1+ i))))
            (loop (1+ i) (cons method methods)
                  (if right wrong (1+ wrong)))))))
  (is "all of 100,000 methods in a loop call their object" wrong 0)
  (ok "nearly all of them have died after it" (nearly-all? dead 100000)))

(define (test-memory-of-a-loop)
  (define (make! n)
    (do ((i 0 (1+ i))) ((= i n))
      (on-new-target
       (lambda (object)
         (weak-method-on-death! (make-weak-method object add-up) list)))))
  (ok "methods that are dropped leave no memory behind"
      (leaves-nothing? make! 60000 32)))

;;; --- Closures --------------------------------------------------------------

(define (alive-after make-method)
  (let ((methods (make-many (lambda (i) (make-method (new-target))))))
    (collect)
    (count weak-method-alive? methods)))

(define (nearly-none? alive)
  (nearly-all? (- many alive)))

(define (test-weak-lambda)
  (define object (vector 'name 0))
  (define two (weak-lambda (object) (a b) (list (vector-ref object 0) a b)))
  (define rest (weak-lambda (object) (a . more) (cons* a (vector-length object)
                                                       more)))
  (define all (weak-lambda (object) args (vector-length object) args))
  (define none (weak-lambda (object) () (vector-ref object 0)))
  (ok "weak-lambda makes a method" (weak-method? two))
  (is "it takes arguments" (weak-method-call two 1 2) '(name 1 2))
  (is "and a rest" (weak-method-call rest 1 2 3) '(1 2 2 3))
  (is "or only a rest" (weak-method-call all 1 2) '(1 2))
  (is "or none" (weak-method-call none) 'name)
  (is "its body may define things"
      (weak-method-call
       (weak-lambda (object) () (define it (vector-ref object 0)) it))
      'name)
  (vector-set! object 0 'changed)
  (is "inside, the name is the object itself"
      (weak-method-call none) 'changed)
  (ok "a program with something else than a name is refused"
      (catch 'syntax-error
        (lambda ()
          (eval '(weak-lambda ((car x)) () 1) (current-module))
          #f)
        (const #t))))

(define (test-closures)
  (ok "objects of weak-lambda die, though the body names them"
      (nearly-none?
       (alive-after (lambda (object)
                      (weak-lambda (object) () (vector-ref object 0))))))
  (is "objects that the closure holds never do"
      (alive-after (lambda (object)
                     (make-weak-method object
                                       (lambda _ (vector-ref object 0)))))
      many)
  (ok "a weak closure in a field of its object does not hold it"
      (nearly-none?
       (alive-after (lambda (object)
                      (let ((closure (lambda _ (vector-ref object 0))))
                        (vector-set! object 0 closure)
                        (make-weak-method object closure
                                          #:weak-procedure? #t))))))
  (is "without #:weak-procedure? it does"
      (alive-after (lambda (object)
                     (let ((closure (lambda _ (vector-ref object 0))))
                       (vector-set! object 0 closure)
                       (make-weak-method object closure))))
      many))

(define (test-weak-procedures)
  (define held (make-many (lambda (i) (new-target))))
  (define kept
    (map (lambda (object)
           (let ((closure (lambda (self . args) (and (eq? self object) args))))
             (vector-set! object 0 closure)
             (make-weak-method object closure #:weak-procedure? #t)))
         held))
  (define dropped
    (map (lambda (object)
           (make-weak-method object (lambda (self) object)
                             #:weak-procedure? #t))
         held))
  (collect)
  (ok "a method whose weak closure is held lives"
      (every (lambda (method)
               (equal? (weak-method-call method 1 2) '(1 2)))
             kept))
  (ok "it can be bound"
      (equal? ((weak-method-bind (car kept)) 3) '(3)))
  (ok "one whose weak closure nobody holds dies, though its object lives"
      (nearly-all? (count (negate weak-method-alive?) dropped)))
  (ok "and says so when it is called"
      (every (lambda (method)
               (or (weak-method-alive? method)
                   (eq? (catch 'dead-object
                          (lambda () (weak-method-call method))
                          (lambda (key . args) key))
                        'dead-object)))
             dropped))
  (ok "a weak procedure that is a constant lives for ever"
      (let ((method (make-weak-method (car held) constant-procedure
                                      #:weak-procedure? #t)))
        (collect)
        (weak-method-alive? method)))
  (ok "the objects live" (every vector? held)))

;; Compiled code of Guile itself, which is no object of the heap.
(define constant-procedure iota)

(test-references)
(test-kinds-of-objects)
(test-deaths-of-references)
(test-holding)
(test-long-references)
(test-printing-of-deaths)
(test-calls)
(test-death)
(test-live)
(test-bound-holds)
(test-equality)
(test-tables)
(test-on-death)
(test-on-death-handle)
(test-a-long-loop)
(test-memory-of-a-loop)
(test-weak-lambda)
(test-closures)
(test-weak-procedures)
(finish)
