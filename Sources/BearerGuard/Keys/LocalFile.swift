// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Files an operator named, read and written without Foundation.
package enum LocalFile {
    /// What changes when a file is replaced or written.
    package struct Stamp: Sendable, Hashable {
        let inode: UInt64
        let size: Int64
        let seconds: Int64
        let nanoseconds: Int64
    }

    /// The stamp of the file at `path`; nil where there is none.
    package static func stamp(_ path: String) -> Stamp? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        #if canImport(Darwin)
        let modified = status.st_mtimespec
        #else
        let modified = status.st_mtim
        #endif
        return Stamp(
            inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            seconds: Int64(modified.tv_sec),
            nanoseconds: Int64(modified.tv_nsec)
        )
    }

    /// Whether something is at `path`.
    package static func exists(_ path: String) -> Bool { stamp(path) != nil }

    /// The bytes of the file at `path`.
    ///
    /// - Throws: ``ConfigurationError`` when it cannot be opened or read, or holds more than `limit` bytes.
    package static func read(_ path: String, limit: Int) throws(ConfigurationError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fault(path) }
        defer { close(descriptor) }
        var status = stat()
        if unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw ConfigurationError("\(path): is a folder")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe systemRead(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw fault(path)
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            if bytes.count > limit { throw ConfigurationError("\(path): larger than \(limit) bytes") }
        }
    }

    /// Puts `bytes` in place of the file at `path`: a reader, or a crash at any moment, finds the old file or the new one,
    /// whole.
    ///
    /// - Throws: ``ConfigurationError`` when its folder cannot be written.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(ConfigurationError) {
        let temporary = "\(path).\(getpid()).new"
        unsafe unlink(temporary)
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw fault(temporary) }
        do throws(ConfigurationError) {
            defer { close(descriptor) }
            try write(bytes, to: descriptor, path)
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        guard unsafe rename(temporary, path) == 0 else { throw fault(path) }
        synchronizeFolder(of: path)
    }

    /// Adds `bytes` to the end of the file at `path` and waits until they are on the disk.
    ///
    /// - Throws: ``ConfigurationError`` when it cannot be written.
    package static func append(_ bytes: [UInt8], to path: String) throws(ConfigurationError) {
        let isNew = !exists(path)
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw fault(path) }
        defer { close(descriptor) }
        try write(bytes, to: descriptor, path)
        if isNew { synchronizeFolder(of: path) }
    }

    /// Makes a folder where there is none.
    package static func makeFolder(_ path: String) throws(ConfigurationError) {
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else { throw fault(path) }
    }

    private static func write(
        _ bytes: [UInt8],
        to descriptor: Int32,
        _ path: String
    ) throws(ConfigurationError) {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe systemWrite(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw fault(path) }
            offset += count
        }
        guard fsync(descriptor) == 0 else { throw fault(path) }
    }

    /// A new name is on the disk only once its folder is.
    private static func synchronizeFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func fault(_ path: String) -> ConfigurationError {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return ConfigurationError("\(path): \(reason)")
    }
}

/// Named apart because `read` and `write` are methods here.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    unsafe read(descriptor, buffer, count)
}

private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe write(descriptor, buffer, count)
}
