;;;; map.lisp: weak maps.

(in-package :gcweak)

(ffi:clines "#include \"gcweak-ecl.h\"")

(define-handle weak-map
  "A map that keeps its keys, or its values, for no longer than it must."
  (weakness :key :read-only t))

(defparameter *weaknesses*
  '((:key . 0) (:value . 1) (:key-and-value . 2) (:key-with-strong-value . 3))
  "The kinds of maps, and the library's numbers of them.")

(defun make-weak-map (&key (weakness :key))
  "Returns a new map, empty.  An entry lives as long as its key, and holds its
value until then, even if that leads to the key.  With another WEAKNESS,
:VALUE, it lives as long as its value; :KEY-AND-VALUE, as both; and with
:KEY-WITH-STRONG-VALUE it holds the value as a hash table does."
  (wrap-weak-map
   (checked-call (make-weak-map null)
       :pointer "gcw_map_new((gcw_map_kind)#0)"
       (:int (cdr (or (assoc weakness *weaknesses*)
                      (error 'type-error
                             :datum weakness
                             :expected-type `(member
                                              ,@(mapcar #'car
                                                        *weaknesses*)))))))
   weakness))

(defun check-entry (operation map key value)
  "Signals NOT-COLLECTABLE if an entry would hold weakly what never dies."
  (let ((weakness (%weak-map-weakness map)))
    (unless (eq weakness :value)
      (check-collectable operation key))
    (when (member weakness '(:value :key-and-value))
      (check-collectable operation value))))

(defun weak-map-get (key map &optional default)
  "Returns the value of KEY in MAP and true, or DEFAULT and NIL if it has none.
Keys are compared by EQ.  Can be set with SETF."
  (check-type map weak-map)
  (multiple-value-bind (found value)
      (mp:without-interrupts
        (ffi:c-inline ((handle-pointer map) key) (:pointer-void :object)
            (values :bool :object)
            "{ void *p = gcw_map_get(#0, gcwe_word(#1));
               @(return 0) = p != NULL;
               @(return 1) = gcwe_value_or_nil(p); }"))
    (if found
        (values value t)
        (values default nil))))

(defun (setf weak-map-get) (value key map &optional default)
  (declare (ignore default))
  (check-type map weak-map)
  (check-entry 'weak-map-get map key value)
  (checked-call (weak-map-get minusp map)
      :int "gcw_map_put(#0, gcwe_word(#1), gcwe_word(#2))"
      (:handle map) (:object key) (:object value))
  value)

(defun weak-map-ensure (key map value)
  "Gives KEY this value in MAP unless it has one, and returns the value that it
then has.  Of several processes that do so at once, one wins, and all get its
value."
  (check-type map weak-map)
  (check-entry 'weak-map-ensure map key value)
  (multiple-value-bind (found value number)
      (mp:without-interrupts
        (ffi:c-inline ((handle-pointer map) key value)
            (:pointer-void :object :object) (values :bool :object :int)
            "{ void *p;
               errno = 0;
               p = gcw_map_setdefault(#0, gcwe_word(#1), gcwe_word(#2));
               @(return 2) = errno;
               @(return 0) = p != NULL;
               @(return 1) = gcwe_value_or_nil(p); }"))
    (if found
        value
        (fail 'weak-map-ensure number map))))

(defun weak-map-replace (key map expected value)
  "Gives KEY this value in MAP if the one that it has is EQ to EXPECTED, and
returns whether that was so."
  (check-type map weak-map)
  (check-entry 'weak-map-replace map key value)
  (multiple-value-bind (replaced number)
      (library-call :bool "gcw_map_replace(#0, gcwe_word(#1), gcwe_word(#2),
                                           gcwe_word(#3))"
                    (:handle map) (:object key) (:object expected)
                    (:object value))
    (if (or replaced (zerop number))
        replaced
        (fail 'weak-map-replace number map))))

(defun weak-map-remove (key map &optional default)
  "Takes the entry of KEY out of MAP.  Returns the value that it had and true,
or DEFAULT and NIL."
  (check-type map weak-map)
  (multiple-value-bind (found value)
      (mp:without-interrupts
        (ffi:c-inline ((handle-pointer map) key) (:pointer-void :object)
            (values :bool :object)
            "{ void *p = gcw_map_remove(#0, gcwe_word(#1));
               @(return 0) = p != NULL;
               @(return 1) = gcwe_value_or_nil(p); }"))
    (if found
        (values value t)
        (values default nil))))

(defun weak-map-count (map)
  "Returns how many entries MAP has, without those that are known to be dead."
  (check-type map weak-map)
  (values (library-call :unsigned-long "gcw_map_count(#0)" (:handle map))))

(defun weak-map-do (function map)
  "Calls (FUNCTION KEY VALUE) for each entry of MAP, in no particular order.
FUNCTION, and other processes, may change the map as they like, and anything may
leave the walk."
  (check-type map weak-map)
  (check-function function)
  (let ((walk (new-step "gcw_map_iter")))
    (library-call :object "(gcw_map_first(#0, #1), ECL_NIL)"
                  (:handle map) (:pointer-void walk))
    (loop
      (multiple-value-bind (found key value)
          (mp:without-interrupts
            (ffi:c-inline (walk) (:pointer-void)
                (values :bool :object :object)
                "{ void *k, *v; bool found = gcw_map_next(#0, &k, &v);
                   @(return 0) = found;
                   @(return 1) = found ? gcwe_value(k) : ECL_NIL;
                   @(return 2) = found ? gcwe_value(v) : ECL_NIL; }"))
        (unless found (return (values)))
        (funcall function key value)))))
