// Counts words of made-up text in dictionaries of dictionaries, dropping the rare ones now and then.
struct Generator {
  var state: UInt64 = 1
  mutating func next(_ limit: UInt64) -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state >> 33) % limit
  }
}
var generator = Generator()
var followers: [String: [String: Int]] = [:]
var previous = ""
for step in 0..<120_000 {
  let length = 2 + generator.next(7)
  var word = ""
  for _ in 0..<length { word.append(Character(UnicodeScalar(UInt8(97 + generator.next(4))))) }
  word += " and its companions"
  followers[previous, default: [:]][word, default: 0] += 1
  previous = word
  if step % 20_000 == 19_999 { followers = followers.filter { $0.value.count > 1 } }
}
print(followers.count, followers.values.map(\.count).max() ?? 0)
