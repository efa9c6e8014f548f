;;;; map.lisp: weak maps.

(defpackage :map-test (:use :cl :gcweak :tap))
(in-package :map-test)

(defun contents (map)
  (let ((entries '()))
    (weak-map-do (lambda (key value) (push (cons key value) entries)) map)
    entries))

(defun test-basics ()
  (let ((map (make-weak-map)) (a (new-target)) (b (list 1)))
    (ok "a map is one" (weak-map-p map))
    (is "what is not in it is not" (multiple-value-list (weak-map-get a map))
        '(nil nil))
    (is "unless there is a default"
        (multiple-value-list (weak-map-get a map 7)) '(7 nil))
    (setf (weak-map-get a map) 17)
    (is "what is in it is" (multiple-value-list (weak-map-get a map))
        '(17 t))
    (setf (weak-map-get b map) nil)
    (is "a value may be NIL" (multiple-value-list (weak-map-get b map))
        '(nil t))
    (dolist (value (list 0 -1 most-positive-fixnum most-negative-fixnum #\a
                         (code-char 955) 'sym :key 1.5 2.5d0 "text" (list 1)
                         #'car t (ash 1 80)))
      (setf (weak-map-get a map) value)
      (is (format nil "or ~s" value) (weak-map-get a map) value))
    (is "the first wins" (weak-map-ensure a map 5) (ash 1 80))
    (is "where there is none" (weak-map-remove a map) (ash 1 80))
    (is "it is made" (weak-map-ensure a map 5) 5)
    (ok "a value is replaced" (weak-map-replace a map 5 6))
    (ok "if it is the one" (not (weak-map-replace a map 5 7)))
    (is "which it is not" (weak-map-get a map) 6)
    (is "it counts" (weak-map-count map) 2)
    (ok "a walk sees all" (null (set-exclusive-or
                                 (contents map) (list (cons a 6) (cons b nil))
                                 :test #'equalp)))
    (is "a walk may be left"
        (block nil
          (weak-map-do (lambda (key value)
                         (declare (ignore key value))
                         (return 'left))
                       map))
        'left)
    (dispose a)
    (is "dispose takes an entry away" (weak-map-count map) 1)
    (signals "a number is no weak key" 'not-collectable
             (lambda () (setf (weak-map-get 12 map) 1)))
    (signals "and no kind" 'type-error
             (lambda () (make-weak-map :weakness 12)))
    (list (svref a 0) (car b))))

(defun count-left (map make)
  (make-many (lambda (i)
               (on-new-target (lambda (object)
                                (funcall make map object i)
                                nil))))
  (collect)
  (weak-map-count map))

(defun make-chain (map i)
  "Ten entries, each of which has the key of the next one as its value."
  (let ((key (list i)))
    (loop repeat 10
          do (setf key (setf (weak-map-get key map) (list key)))))
  nil)

(defun test-kinds ()
  (flet ((few (n) (<= n (* 5/100 *many*))))
    (ok "an entry goes with its key, though its value leads there"
        (few (count-left (make-weak-map)
                         (lambda (map object i)
                           (setf (weak-map-get object map)
                                 (list i object))))))
    (ok "a whole chain of entries goes"
        (let ((map (make-weak-map)))
          (make-many (lambda (i) (make-chain map i)))
          (collect)
          (few (/ (weak-map-count map) 10))))
    (ok "with :value it goes with its value, and keys may be numbers"
        (few (count-left (make-weak-map :weakness :value)
                         (lambda (map object i)
                           (setf (weak-map-get i map) object)))))
    (ok "with both with either"
        (few (count-left (make-weak-map :weakness :key-and-value)
                         (lambda (map object i)
                           (setf (weak-map-get object map) (list i))))))
    (is "strong values hold their keys"
        (count-left (make-weak-map :weakness :key-with-strong-value)
                    (lambda (map object i)
                      (setf (weak-map-get object map) (list i object))))
        *many*))
  (let ((map (make-weak-map)) (keys (make-many #'list)))
    (dolist (key keys)
      (setf (weak-map-get key map) (list key)))
    (collect)
    (is "what is held stays" (weak-map-count map) *many*)
    (ok "with its value" (every (lambda (key)
                                  (eq (car (weak-map-get key map)) key))
                                keys))))

(test-basics)
(test-kinds)
(finish)
