// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuardGateway
import Foundation
import Testing

@Suite("Files of a configuration that are watched")
struct WatchedFilesTests {
    @Test("A change is one until it is read, whoever says that it is to be read, and the next one is another")
    func changes() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bearerguard-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (first, second) = (
            folder.appendingPathComponent("gateway.yaml"), folder.appendingPathComponent("next.yaml")
        )
        try Data("realm: a".utf8).write(to: first)
        let files = WatchedFiles([first.path, second.path])
        #expect(!files.haveChanged)
        let changes: [() throws -> Void] = [
            { try Data("realm: ab".utf8).write(to: first) },
            // One that was not there.
            { try Data("realm: c".utf8).write(to: second) },
            // As editors write: another file under the name, of the same size.
            { try Data("realm: cd".utf8).write(to: first, options: .atomic) },
            { try FileManager.default.removeItem(at: second) },
        ]
        for change in changes {
            try change()
            #expect(files.haveChanged)
            files.noteRead()
            #expect(!files.haveChanged)
        }
    }

    @Test("A change while the files are read is not missed")
    func changeDuringReading() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("bearerguard-\(UUID().uuidString)")
        try Data("realm: a".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let files = WatchedFiles([file.path])
        files.noteRead()
        try Data("realm: another".utf8).write(to: file)
        #expect(files.haveChanged)
    }
}
#endif
