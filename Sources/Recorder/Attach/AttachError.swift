// What can keep a running process from being recorded.

import Glibc

/// Why a process could not be attached to.
///
/// In every case the process runs on as before.
public enum AttachError: Error, CustomStringConvertible {
  /// There is no such process.
  case noSuchProcess(Int32)
  /// The number is that of a thread of another process.
  case isThread(Int32, of: Int32)
  /// The number is the recorder's own.
  case isRecorder
  /// The process is a part of the kernel.
  case kernelThread(Int32)
  /// The process has ended; its parent has not asked how.
  case hasEnded(Int32)
  /// The kernel does not let this user trace the process; what stands in the way, where known.
  case notPermitted(Int32, hindrance: String)
  /// A debugger or another tracer holds the process: its id and name.
  case alreadyTraced(Int32, by: Int32, name: String)
  /// The program is made for another processor than the recorder, or for its 32-bit mode.
  case otherArchitecture(String)
  /// The program has no loader, and so no table of imports.
  case staticallyLinked(String)
  /// The loader has not got so far that its list of modules could be read.
  case isStarting(Int32)
  /// The program runs with another C library.
  case otherLibrary(String)
  /// The process does not see `liblacuna.so` under its path.
  case libraryOutOfSight(String)
  /// The process lives in another namespace of process ids.
  case otherProcessNumbers(Int32)
  /// The process is stopped, by a signal or a shell's job control.
  case isStopped(Int32)
  /// The program defines `malloc` itself, so that its own calls pass no table of imports.
  case ownAllocator(String)
  /// The loader of the process refused the library, with these words.
  case libraryRefused(String)
  /// A `liblacuna.so` of another version is loaded there.
  case otherVersion
  /// Another recorder records the process.
  case alreadyRecorded(Int32)
  /// No thread came to a place where the library may be loaded, in so many seconds.
  case noSafeMoment(seconds: Int)
  /// A thread does not stand still: it is in the middle of something in the kernel.
  case threadDoesNotStop(Int32)
  /// What the library needs was refused by the process's own system call filter or limits.
  case callRefused(String, Int32)
  /// The process has a filter for its system calls that the recorder is not under itself.
  case callsFiltered(Int32)
  /// The process did something while the library was loaded that nobody asked for.
  case unexpected(String)
  /// Memory of the process could not be read or makes no sense.
  case unreadable(String)

  /// What went wrong and what to do, in one sentence.
  public var description: String {
    switch self {
    case .noSuchProcess(let id): "there is no process \(id)"
    case .isThread(let id, let process):
      "\(id) is a thread of process \(process); use --pid \(process)"
    case .isRecorder: "lacuna cannot attach to itself"
    case .kernelThread(let id): "process \(id) is a part of the kernel and has no program"
    case .hasEnded(let id): "process \(id) has ended; its parent has not asked how yet"
    case .notPermitted(let id, let hindrance):
      "not permitted to trace process \(id): \(hindrance)"
    case .alreadyTraced(let id, let tracer, let name):
      "process \(id) is already traced, by process \(tracer) (\(name)); a process has one tracer "
        + "at a time, so detach that first"
    case .otherArchitecture(let what):
      "cannot attach to \(what), which is not made for 64-bit x86 like lacuna"
    case .staticallyLinked(let path):
      "cannot attach to \(path): it is statically linked, so its calls of malloc cannot be "
        + "redirected; link it dynamically"
    case .isStarting(let id):
      "process \(id) is still being loaded; try again when its program runs"
    case .otherLibrary(let path):
      "cannot attach to \(path): it does not run with the GNU C library, 2.34 or later"
    case .libraryOutOfSight(let path):
      "the process does not see \(path), or sees another file there: it runs in another root or "
        + "mount namespace, such as a container's. Copy liblacuna.so and the lacuna command to the "
        + "same path there, or run lacuna inside"
    case .otherProcessNumbers(let id):
      "process \(id) runs in a container with process ids of its own; run lacuna inside"
    case .isStopped(let id):
      "process \(id) is stopped; continue it first: kill -CONT \(id)"
    case .ownAllocator(let path):
      "cannot attach to \(path): it defines malloc itself, and calls it without a table of imports"
    case .libraryRefused(let words): "the process could not load liblacuna.so: \(words)"
    case .otherVersion:
      "a liblacuna.so of another version is loaded in the process; attach with that version of "
        + "lacuna, or restart the process"
    case .alreadyRecorded(let id): "process \(id) is being recorded already"
    case .noSafeMoment(let seconds):
      "no thread of the process came to a place where a library may be loaded within \(seconds) "
        + "seconds; try again when the process is doing something else"
    case .threadDoesNotStop(let thread):
      "thread \(thread) of the process does not stop: it waits in the kernel for a device, or for "
        + "a child that has not started its program yet; try again"
    case .callRefused(let call, let code):
      "the process itself may not do what the library needs, \(call): "
        + RecorderError.message(code)
    case .callsFiltered(let id):
      "process \(id) filters its system calls (seccomp), and the filter could end it for those that "
        + "loading a library makes; record it from its start instead"
    case .unexpected(let what): "the library could not be loaded into the process: \(what)"
    case .unreadable(let what): "cannot make sense of the process's memory: \(what)"
    }
  }
}
