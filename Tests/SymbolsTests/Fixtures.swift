// A small library whose functions lie at known addresses.

import MemoryUnits
import Symbols
import Trace

/// Functions with every kind of extent, each at an offset of its own from the start of `.text`.
enum Layout {
  static let textStart: UInt64 = 0x20000
  static let source = """
    .section .text, "ax"
    .globl sized
    .type sized, @function
    sized: .fill 32, 1, 0x90
    .size sized, 32

    .org 64
    .globl global_name
    .type global_name, @function
    .weak aaaa_weak_name
    .type aaaa_weak_name, @function
    .type aaaa_local_name, @function
    aaaa_local_name:
    aaaa_weak_name:
    global_name: .fill 16, 1, 0x90
    .size global_name, 16
    .size aaaa_weak_name, 16
    .size aaaa_local_name, 16

    .org 96
    .weak weak_name
    .type weak_name, @function
    .type aaaa_other_local, @function
    aaaa_other_local:
    weak_name: .fill 16, 1, 0x90
    .size weak_name, 16
    .size aaaa_other_local, 16

    .org 128
    .globl unsized
    .type unsized, @function
    unsized: .fill 16, 1, 0x90

    .org 160
    .type local_function, @function
    local_function: .fill 16, 1, 0x90
    .size local_function, 16

    .org 192
    .globl outer
    .type outer, @function
    .type inner, @function
    .type label_inside, @function
    outer: .fill 16, 1, 0x90
    inner: .fill 16, 1, 0x90
    .size inner, 16
    label_inside: .fill 32, 1, 0x90
    .size outer, 64

    .org 272
    .type indirect, @gnu_indirect_function
    .globl indirect
    indirect: .fill 16, 1, 0x90
    .size indirect, 16

    .org 304
    .globl not_a_function
    .type not_a_function, @object
    not_a_function: .fill 16, 1, 0x90
    .size not_a_function, 16

    .org 336
    .globl ___many_underscores
    .type ___many_underscores, @function
    .globl malloc_like
    .type malloc_like, @function
    ___many_underscores:
    malloc_like: .fill 16, 1, 0x90
    .size malloc_like, 16
    .size ___many_underscores, 16

    .org 368
    .globl _ZN5shape6Circle4areaEv
    .type _ZN5shape6Circle4areaEv, @function
    _ZN5shape6Circle4areaEv: .fill 16, 1, 0x90
    .size _ZN5shape6Circle4areaEv, 16

    .org 400
    .globl last_unsized
    .type last_unsized, @function
    last_unsized: .fill 16, 1, 0x90
    .org 448

    .section .text.other, "ax"
    .fill 16, 1, 0x90
    """

  /// What each offset from `textStart` belongs to, half-open.
  static let functions: [(range: Range<UInt64>, name: String)] = [
    (0..<32, "sized"), (64..<80, "global_name"), (96..<112, "weak_name"), (128..<160, "unsized"),
    (160..<176, "local_function"), (192..<208, "outer"), (208..<224, "inner"), (224..<256, "outer"),
    (272..<288, "indirect"), (336..<352, "malloc_like"), (368..<384, "shape::Circle::area()"),
    (400..<448, "last_unsized"),
  ]

  static func build(in workshop: Workshop, options: [String] = []) throws -> String {
    try workshop.compile(
      source, named: "layout.s", to: "liblayout.so",
      [
        "-shared", "-nostdlib", "-Wl,--build-id=sha1", "-Wl,-z,keep-text-section-prefix",
        "-Wl,--section-start=.text=0x20000", "-Wl,--image-base=0",
      ] + options)
  }
}

let bias: UInt64 = 0x7f12_3400_0000

func module(_ path: String, buildID: [UInt8] = [], image: UInt32 = 0) -> Module {
  Module(
    image: image, range: Address(bias)..<Address(bias + 0x100_0000), bias: bias, path: path,
    buildID: buildID)
}

extension Symbolizer {
  /// The frame of a call whose last byte is at `address` of the file.
  func frame(at address: UInt64) -> Frame { frame(returnAddress: bias + address + 1, image: 0) }
}
