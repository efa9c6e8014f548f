-- peers-lua.lua: weak tables of Lua.
--
--     lua peers-lua.lua JOB SIZE THREADS HANDLES
--
-- A job is a function that sets up and returns another, which takes a sample
-- and returns its numbers.  See measure.c for how the benchmark talks to this
-- program.

local USES <const> = 200000
local LEAST <const> = 100000    -- at least so many of a job are counted

local function now()
    return os.clock() * 1e9
end

-- As large as the targets of the others, or nearly.
local function newObjects(n)
    local objects = table.move({}, 1, n, 1, {})
    for i = 1, n do
        objects[i] = {}
    end
    return objects
end

local state = 1

local function random(n)
    state = state ~ (state << 13)
    state = state ~ (state >> 7)
    state = state ~ (state << 17)
    return (state >> 1) % n + 1
end

local function shuffled(from)
    local to = table.move(from, 1, #from, 1, {})
    for i = #to, 2, -1 do
        local j = random(i)
        to[i], to[j] = to[j], to[i]
    end
    return to
end

local function newMap()
    return setmetatable({}, { __mode = 'k' })
end

local function fill(map, keys, values)
    for i = 1, #keys do
        map[keys[i]] = values[i]
    end
    return map
end

local function uses(objects, use)
    local n, at = #objects, 1
    local begin = now()
    for _ = 1, USES do
        use(objects[at])
        at = at < n and at + 1 or 1
    end
    return (now() - begin) / USES
end

-- The loops stand here one by one, for a call would cost more than the rest.
local function timeGet(map, objects)
    local n, at, count = #objects, 1, 0
    local begin = now()
    for _ = 1, USES do
        if map[objects[at]] then
            count = count + 1
        end
        at = at < n and at + 1 or 1
    end
    return (now() - begin) / USES
end

local function timeReplace(map, objects)
    local n, at = #objects, 1
    local begin = now()
    for _ = 1, USES do
        local object = objects[at]
        map[object] = object
        at = at < n and at + 1 or 1
    end
    return (now() - begin) / USES
end

local jobs = {}

jobs['map-use'] = function(n)
    local keys = newObjects(n)
    local map = fill(newMap(), keys, newObjects(n))
    local inOrder, others = keys, shuffled(newObjects(n))
    keys = shuffled(keys)
    return function()
        local hit, miss = timeGet(map, keys), timeGet(map, others)
        local replace = timeReplace(map, keys)
        local default = uses(keys, function(key)
            if not map[key] then
                map[key] = key
            end
        end)
        assert(#inOrder == n)
        return hit, miss, replace, default
    end
end

jobs['map-make'] = function(n)
    local keys, values = newObjects(n), newObjects(n)
    local atRandom = shuffled(keys)
    local times = math.max(1, LEAST // n)
    return function()
        local put, remove = 0, 0
        for _ = 1, times do
            local begin = now()
            local map = fill(newMap(), keys, values)
            local middle = now()
            for i = 1, n do
                map[atRandom[i]] = nil
            end
            remove = remove + now() - middle
            put = put + middle - begin
        end
        return put / (times * n), remove / (times * n)
    end
end

jobs['map-memory'] = function(n)
    local keys, values = newObjects(n), newObjects(n)
    return function()
        collectgarbage()
        local before = collectgarbage('count')
        local map = fill(newMap(), keys, values)
        collectgarbage()
        local grown = (collectgarbage('count') - before) * 1024
        assert(map[keys[1]])
        return grown / n
    end
end

local function timeCollection(kept)
    return function()
        local begin = now()
        collectgarbage()
        local took = now() - begin
        assert(#kept > 0)
        return took
    end
end

local function objectsFor(n, handles)
    local keys, values = newObjects(n), newObjects(n)
    if handles > 1 then
        return shuffled(keys), shuffled(values)
    end
    return keys, values
end

jobs['map-collect-0'] = function(n, handles)
    local keys, values = objectsFor(n, handles)
    return timeCollection({ keys, values })
end

jobs['map-collect'] = function(n, handles)
    local keys, values = objectsFor(n, handles)
    return timeCollection({ keys, fill(newMap(), keys, values) })
end

jobs['map-churn'] = function(n)
    return function()
        local map, keys = newMap(), {}
        local function step(i)
            local key = {}
            keys[i] = key
            map[key] = { key }
        end
        local steps = math.max(LEAST, 2 * n)
        for i = 1, n do
            step(i)
        end
        local begin = now()
        for i = 0, steps - 1 do
            step(i % n + 1)
        end
        return (now() - begin) / steps
    end
end

jobs['map-chain'] = function(n)
    local keys = shuffled(newObjects(n))
    local map, first = newMap(), keys[1]
    for i = 1, n do
        map[keys[i]] = keys[i + 1] or {}
    end
    return timeCollection({ map, first })
end

local function say(...)
    local line = table.pack(...)
    for i = 1, line.n do
        line[i] = string.format('%.17g', line[i])
    end
    print(table.concat(line, ' '))
    io.flush()
end

local function main(job, size, _, handles)
    if job == 'version' then
        print(_VERSION)
        return
    end
    local sample = jobs[job](tonumber(size), tonumber(handles))
    sample()
    print('ready')
    io.flush()
    while io.read() do
        say(sample())
    end
end

main(...)
