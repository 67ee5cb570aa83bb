// Reading the process's environment in place, and leaving it as a plain program would have it.

import InterposerEntry

typealias CStringPointer = UnsafeMutablePointer<CChar>

/// The text behind `NAME=`, where it stands.
func value(of name: StaticString, in environment: UnsafeMutablePointer<CStringPointer?>)
  -> CStringPointer?
{
  var i = 0
  while let entry = environment[i] {
    if let text = value(entry, named: name) { return text }
    i &+= 1
  }
  return nil
}

private func value(_ entry: CStringPointer, named name: StaticString) -> CStringPointer? {
  let count = name.utf8CodeUnitCount
  for i in 0..<count where entry[i] != CChar(bitPattern: name.utf8Start[i]) { return nil }
  return entry[count] == 0x3d ? entry + count + 1 : nil
}

/// Takes what the recorder added out of the environment: this process is not the traced one, and
/// the programs that it starts should not load the library again.
///
/// Preloads of the user stay.
func leave(_ environment: UnsafeMutablePointer<CStringPointer?>) {
  var kept = 0
  var i = 0
  while let entry = environment[i] {
    i &+= 1
    if value(entry, named: "LACUNA_SEGMENT") != nil { continue }
    if let list = value(entry, named: "LD_PRELOAD"), removeOwnName(from: list) { continue }
    environment[kept] = entry
    kept &+= 1
  }
  environment[kept] = nil
}

/// Removes the entry of this library from a list that colons or blanks separate.
///
/// Returns whether nothing is left.
private func removeOwnName(from list: CStringPointer) -> Bool {
  var read = 0
  var write = 0
  while list[read] != 0 {
    var end = read
    while list[end] != 0, !isSeparator(list[end]) { end &+= 1 }
    if end > read, !isOwnName(list + read, end &- read) {
      if write > 0 {
        list[write] = 0x3a
        write &+= 1
      }
      for i in read..<end {
        list[write] = list[i]
        write &+= 1
      }
    }
    read = list[end] == 0 ? end : end &+ 1
  }
  list[write] = 0
  return write == 0
}

@inline(__always)
private func isSeparator(_ c: CChar) -> Bool { c == 0x3a || c == 0x20 }

private func isOwnName(_ path: CStringPointer, _ count: Int) -> Bool {
  let name: StaticString = "liblacuna.so"
  let length = name.utf8CodeUnitCount
  guard count >= length else { return false }
  for i in 0..<length where path[count &- length &+ i] != CChar(bitPattern: name.utf8Start[i]) {
    return false
  }
  return count == length || path[count &- length &- 1] == 0x2f
}
