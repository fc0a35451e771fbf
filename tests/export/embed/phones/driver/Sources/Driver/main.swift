// Lets the tests use the wrapper's parts: each line of the file that is named is one thing to do. Files are relative to it.
//
//     fit WIDTH HEIGHT ORIENTATION FIT MODEL-WIDTH MODEL-HEIGHT RGB-IN INPUT-OUT DEPTH-IN METRES-OUT
//     judge DEPTH
import Foundation
import WEDepthGeometry
import WEDepthSelfTest

let tasks = URL(fileURLWithPath: CommandLine.arguments[1])
let golden = try Golden(contentsOf: URL(fileURLWithPath: CommandLine.arguments[2]))

func file(_ name: String) -> URL { tasks.deletingLastPathComponent().appendingPathComponent(name) }

func floats(_ name: String) throws -> [Float] {
    let data = try Data(contentsOf: file(name))
    return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
}

func fit(_ words: [String]) throws {
    let numbers = words.compactMap(Int.init)
    let stored = PixelLayout(
        width: numbers[0], height: numbers[1], bytesPerRow: 3 * numbers[0], bytesPerPixel: 3, red: 0, green: 1, blue: 2)
    let layout = stored.upright(Orientation(rawValue: numbers[2])!)
    let placement = Placement(
        image: Size(width: layout.width, height: layout.height), model: Size(width: numbers[3], height: numbers[4]),
        fit: Fit(rawValue: words[3])!)
    let rgb = [UInt8](try Data(contentsOf: file(words[6])))
    try Data(rgb.withUnsafeBytes { resampled($0, layout: layout, placement: placement) }).write(to: file(words[7]))
    let depth = restored(try floats(words[8]), placement: placement)
    try depth.metres.withUnsafeBytes { Data($0) }.write(to: file(words[9]))
}

for line in try String(contentsOf: tasks, encoding: .utf8).split(separator: "\n") {
    let words = line.split(separator: " ").map(String.init)
    if words[0] == "fit" {
        try fit(Array(words.dropFirst()))
    } else {
        let depth = DepthMap(width: golden.depth.width, height: golden.depth.height, metres: try floats(words[1]))
        let verdict = golden.verdict(on: depth)
        print("\(words[1])\t\(verdict.passed)\t\(verdict.mistakes.joined(separator: ","))\t\(verdict.sentence)")
    }
}
