# harbour.cr: ships listen to a bell that outlives them, in Crystal.
#
#     crystal build harbour.cr
#     ./harbour
#     ./harbour quit       leaves the end to gcweak, which calls Crystal at exit
require "./gcweak"

class Ship
  getter name : String
  property rings = 0

  def initialize(@name = "")
  end

  def hear(sound)
    @rings += 1
    raise "#{name} sees nothing" if name == "Bosco" && sound == "fog"
    say "#{name} hears #{sound}" unless name.empty?
  end
end

MANY = 100_000
KEPT =     100
BELL = Gcweak::Event(String).new("bell")

SHIPS = %w(Anna Bosco Cora).map { |name| Ship.new(name) }
FLEET = [] of Ship

class Deaths
  class_property count = 0
end

# Hears of failing callbacks.
REPORT = ->(handle : Void*, name : LibC::Char*, why : LibC::Char*, place : Void*) do
  say "a report: #{String.new(place.as(UInt8*))}: #{String.new(why)}"
end

def say(text)
  puts "   #{text}"
end

def check(what, well)
  raise "#{what}: this is wrong" unless well
end

def hearing(ship)
  Gcweak::Method(String).of(ship) { |s, sound| s.hear(sound) }
end

def references
  puts "1. Weak references"
  w = Gcweak::Weak(Ship).new(SHIPS[0])
  m = hearing(SHIPS[1])
  GC.collect
  say "#{w.value.try &.name} lives"
  check "a method", m.invoke("a call")
  Gcweak.dispose(SHIPS[1])
  check "a dead one", !m.invoke("nothing any more")
  say "a dead method is not called"
end

def events
  puts "2. Events"
  SHIPS.each { |ship| BELL.connect hearing(ship) }
  BELL.connect { |sound| say "the keeper hears #{sound}" }
  BELL.emit "noon"
end

def exceptions
  puts "3. An exception leaves a listener"
  say "Reported, the rest hear:"
  BELL.emit "fog"
  say "Or caught outside of the emission, which is over then:"
  begin
    BELL.each_call("fog", &.invoke)
  rescue ex
    say "caught: #{ex.message}"
  end
  say "The next one is whole again:"
  BELL.emit "noon"
end

# Most are forgotten at once.  The blocks lead to no ship.
def launch
  (1..MANY).each do |i|
    ship = Ship.new
    BELL.connect hearing(ship)
    Gcweak.on_death(ship) { Deaths.count += 1 }
    FLEET << ship if i % (MANY // KEPT) == 0
    Gcweak.drain if i % 1000 == 0
  end
end

def deaths
  puts "4. #{MANY} ships, of which #{KEPT} are kept"
  launch
  GC.collect
  Gcweak.drain
  check "deaths", ((MANY - KEPT) // 100 * 95..MANY - KEPT).includes?(Deaths.count)
  check "listeners", BELL.count == 4 + MANY - Deaths.count
  say "nearly all others have died, and have left the bell"
  BELL.emit "evening"
  check "the fleet", FLEET.all? { |ship| ship.rings == 1 }
  say "those that were kept have heard it"
end

def cleanups
  puts "5. A cleanup fails"
  wreck = Ship.new
  Gcweak.on_death(wreck) { say "the next cleanup runs" }
  Gcweak.on_death(wreck) { raise "the pumps are broken" }
  Gcweak.dispose(wreck)
  check "cleanups", Gcweak.drain == 2
  Gcweak.on_death(wreck) { raise "caught outside" }
  Gcweak.dispose(wreck)
  begin
    Gcweak.each_pending &.invoke
  rescue ex
    say "an exception is #{ex.message}"
  end
  check "nothing is left", Gcweak.drain == 0
end

# A listener waits in its fiber, then fails; others emit the same event.
def waiting
  puts "6. A listener waits in a fiber"
  horn = Gcweak::Event(String).new("horn")
  LibGcw.event_on_error(horn.handle, REPORT, "horn".to_unsafe.as(Void*))
  gate = Channel(Nil).new
  done = Channel(Nil).new
  horn.connect do |sound|
    say "the pilot hears #{sound}"
    next if sound != "long"
    gate.receive
    raise "the pilot has waited"
  end
  horn.connect { |sound| say "the tug hears #{sound}" }
  spawn do
    horn.emit "long"
    done.send nil
  end
  Fiber.yield
  2.times { horn.emit "short" }
  gate.send nil
  done.receive
  horn.emit "short"
end

# Emissions that are begun and never go on leave nothing behind.
def abandoned
  puts "7. Fibers that are never resumed"
  buoy = Gcweak::Event(Int32).new("buoy")
  never = Channel(Nil).new
  heard = 0
  buoy.connect { |n| heard += 1 }
  buoy.connect { |n| never.receive if n < 1000 }
  1000.times { |n| spawn { buoy.emit n } }
  Fiber.yield
  check "those that wait", heard == 1000
  buoy.emit 1000
  check "one that does not", heard == 1001
  say "1000 emissions were given up, and the next goes on"
end

def drained
  puts "8. A fiber drains"
  drained = Channel(Int32).new
  Gcweak.drain_in_fiber { |count| drained.send count }
  died = 0
  1000.times do
    Gcweak.on_death(Ship.new) { died += 1 }
  end
  GC.collect
  while died < 950
    drained.receive
  end
  say "nearly all of 1000 cleanups ran in it"
end

def ending
  puts "9. The end"
  Gcweak.on_death(SHIPS[2]) { say "a cleanup of Cora, who still lives" }
  Gcweak.on_exit { say "the oldest handler" }
  Gcweak.on_exit Gcweak::Method(LibGcw::ExitInfo).of(SHIPS[0]) { |ship, info|
    say "#{ship.name} says farewell, with status #{info.status}"
  }
  Gcweak.on_exit { raise "the pier is closed" }
  Process.exit 3 if ARGV == ["quit"]
  exit 3
end

LibGcw.event_on_error(BELL.handle, REPORT, "bell".to_unsafe.as(Void*))
LibGcw.drain_on_error(REPORT, "drain".to_unsafe.as(Void*))
LibGcw.exit_on_error(LibGcw.exit_default, REPORT, "exit".to_unsafe.as(Void*))
references
events
exceptions
deaths
cleanups
waiting
abandoned
drained
ending
