## harbour.nim: ships listen to a bell that outlives them, in Nim.
##
##     nim c --mm:boehm harbour.nim
##     ./harbour
##     ./harbour quit       leaves the end to gcweak, which calls Nim at exit

import std/os
import gcweak

type
  Ship = ref object
    name: string
    rings: int

const
  Many = 100_000
  Kept = 100

proc say(text: string) =
  echo "   ", text

proc report(handle: pointer, name, why: ConstChars,
            place: pointer) {.cdecl.} =
  ## Hears of failing callbacks.
  say "a report: " & $cast[cstring](place) & ": " & $why

proc hear(ship: Ship, sound: string) =
  inc ship.rings
  if ship.name == "Bosco" and sound == "fog":
    raise newException(ValueError, ship.name & " sees nothing")
  if ship.name.len > 0:
    say ship.name & " hears " & sound

proc farewell(ship: Ship, info: gcw_exit_info) =
  say ship.name & " says farewell, with status " & $info.status

let
  bell = newEvent[string]("bell")
  ships = [Ship(name: "Anna"), Ship(name: "Bosco"), Ship(name: "Cora")]
var
  fleet: seq[Ship]
  died = 0

proc references() =
  echo "1. Weak references"
  let w = weak(ships[0])
  let m = weakMethod(ships[1], hear)
  GC_fullCollect()
  say w.get.name & " lives"
  doAssert m.invoke("a call")
  gcw_dispose(cast[pointer](ships[1]))
  doAssert not m.invoke("nothing any more")
  say "a dead method is not called"

proc events() =
  echo "2. Events"
  for ship in ships:
    bell.connect weakMethod(ship, hear)
  bell.connect proc (sound: string) = say "the keeper hears " & sound
  bell.emit "noon"

proc exceptions() =
  echo "3. An exception leaves a listener"
  say "Reported, the rest hear:"
  bell.emit "fog"
  say "Or caught outside of the emission, which is over then:"
  try:
    for call in bell.calls("fog"):
      call.invoke
  except ValueError as e:
    say "caught: " & e.msg
  say "The next one is whole again:"
  bell.emit "noon"

proc launch() =
  ## Most are forgotten at once.  The closure leads to no ship.
  for i in 1 .. Many:
    let ship = Ship()
    bell.connect weakMethod(ship, hear)
    ship.onDeath proc () = inc died
    if i mod (Many div Kept) == 0:
      fleet.add ship
    if i mod 1000 == 0:
      drain()

proc deaths() =
  echo "4. ", Many, " ships, of which ", Kept, " are kept"
  launch()
  GC_fullCollect()
  drain()
  doAssert died >= (Many - Kept) div 100 * 95 and died <= Many - Kept
  doAssert bell.count == 4 + Many - died
  say "nearly all others have died, and have left the bell"
  bell.emit "evening"
  for ship in fleet:
    doAssert ship.rings == 1
  say "those that were kept have heard it"

proc cleanups() =
  echo "5. A cleanup fails"
  let wreck = Ship()
  wreck.onDeath proc () = say "the next cleanup runs"
  wreck.onDeath proc () = raise newException(IOError, "the pumps are broken")
  gcw_dispose(cast[pointer](wreck))
  doAssert drain() == 2
  let other = Ship()
  other.onDeath proc () = raise newException(IOError, "caught outside")
  gcw_dispose(cast[pointer](other))
  try:
    for call in pending():
      call.invoke
  except IOError as e:
    say "an exception is " & e.msg
  doAssert drain() == 0

proc ending() =
  echo "6. The end"
  ships[2].onDeath proc () = say "a cleanup of Cora, who still lives"
  onExit proc () = say "the oldest handler"
  onExit weakMethod(ships[0], farewell)
  onExit proc () = raise newException(IOError, "the pier is closed")
  if commandLineParams() != ["quit"]:
    shutdown 3
    say "now Nim may end, and nothing is left to do"
  quit 3

discard gcw_init()
gcw_event_on_error(gcw_event(bell), report, cast[pointer]("bell".cstring))
gcw_drain_on_error(report, cast[pointer]("drain".cstring))
gcw_exit_on_error(gcw_exit_default(), report, cast[pointer]("exit".cstring))
references()
events()
exceptions()
deaths()
cleanups()
ending()
