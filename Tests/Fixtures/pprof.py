# Decodes a profile of pprof with nothing but the wire format, checks that its parts refer to each
# other as they must, and prints it as JSON. Usage: pprof.py FILE
import gzip, json, sys


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            assert key & 7 == 2, key
            length, at = varint(data, at)
            value = data[at : at + length]
            assert len(value) == length
            at += length
        yield key >> 3, value


def message(data, repeated=()):
    result = {number: [] for number in repeated}
    for number, value in fields(data):
        if number in repeated:
            result[number].append(value)
        else:
            assert number not in result, number
            result[number] = value
    return result


def packed(data):
    at, values = 0, []
    while at < len(data):
        value, at = varint(data, at)
        values.append(value - (1 << 64) if value >> 63 else value)
    return values


packed_bytes = open(sys.argv[1], "rb").read()
assert packed_bytes[4:8] == b"\0\0\0\0", "the time of packing makes equal profiles differ"
profile = message(gzip.decompress(packed_bytes), (1, 2, 3, 4, 5, 6, 13))
strings = [text.decode() for text in profile[6]]
assert strings[0] == "" and len(set(strings)) == len(strings)
functions, mappings, locations = {}, {}, {}
for data in profile[5]:
    function = message(data)
    functions[function[1]] = {"name": strings[function[2]], "file": strings[function.get(4, 0)]}
for data in profile[3]:
    mapping = message(data)
    mappings[mapping[1]] = {
        "start": mapping.get(2, 0), "limit": mapping[3], "path": strings[mapping.get(5, 0)],
        "buildID": strings[mapping.get(6, 0)], "hasFunctions": mapping.get(7, 0) == 1,
    }
for data in profile[4]:
    location = message(data, (4,))
    lines = [message(line) for line in location[4]]
    assert lines
    address = location.get(3, 0)
    if 2 in location:
        assert mappings[location[2]]["start"] <= address < mappings[location[2]]["limit"]
    locations[location[1]] = (address, [functions[line[1]]["name"] for line in lines])
assert 0 not in functions and 0 not in mappings and 0 not in locations
types = [message(data) for data in profile[1]]
samples, seen = [], set()
for data in profile[2]:
    sample = message(data)
    path = tuple(packed(sample[1]))
    assert path and path not in seen
    seen.add(path)
    values = packed(sample[2])
    assert len(values) == len(types)
    samples.append({
        "addresses": ",".join(hex(locations[place][0]) for place in path),
        "functions": ";".join(name for place in reversed(path) for name in reversed(locations[place][1])),
        "values": values,
    })
json.dump({
    "types": [strings[type[1]] + "/" + strings[type[2]] for type in types],
    "shown": strings[profile[14]], "period": profile[12], "duration": profile.get(10, 0),
    "comments": [strings[number] for number in profile[13]],
    "mappings": list(mappings.values()), "samples": samples,
}, sys.stdout)
