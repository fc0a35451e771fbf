import Foundation
import WEDepthGeometry

/// The golden sample: an image, and the depth that this very model gave for it in its reference runtime.
public struct Golden: Sendable {
    public let facts: GoldenFacts
    /// Metres for every pixel of the golden image.
    public let depth: DepthMap
    /// The golden image, a PNG of 8-bit RGB in exactly the model's size.
    public let imageURL: URL

    /// The golden sample in `folder`; throws a `GoldenError`, or what Foundation says of a file that is missing.
    public init(contentsOf folder: URL) throws {
        facts = try GoldenFacts(contentsOf: folder.appendingPathComponent("golden.json"))
        imageURL = folder.appendingPathComponent("image.png")
        let metres = floats(try Data(contentsOf: folder.appendingPathComponent("depth.f32")))
        guard metres.count == facts.width * facts.height else {
            throw GoldenError(description: "depth.f32 has \(metres.count) values, not \(facts.height)×\(facts.width).")
        }
        depth = DepthMap(width: facts.width, height: facts.height, metres: metres)
    }

    /// The golden sample that comes with this package.
    public static func bundled() throws -> Golden {
        try Golden(contentsOf: Bundle.module.bundleURL.appendingPathComponent("golden"))
    }
}

/// `golden.json`: what is told about the golden sample.
public struct GoldenFacts: Decodable, Sendable {
    /// How far depth may be from the golden depth, relative to it, at any pixel (nil: no bound) and on average.
    public struct Tolerance: Decodable, Sendable {
        public let maxRel: Double?
        public let meanRel: Double
    }

    /// A mistake of an integration: in words that follow "where", and its depth's mean relative difference from the
    /// golden depth and median quotient.
    public struct Mistake: Decodable, Sendable {
        public let words: String
        public let meanRel: Double
        public let ratio: Double
    }

    public let schema: Int
    public let height: Int
    public let width: Int
    /// Where the golden depth was computed.
    public let runtime: String
    public let tolerance: Tolerance
    /// By their names, which are bgr, range, rotated, flipped, mirrored, scale and log.
    public let mistakes: [String: Mistake]
    public let geometry: [GeometryCase]
    public let resize: [ResizeCase]

    public init(contentsOf file: URL) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(GoldenFacts.self, from: try Data(contentsOf: file))
        guard schema == 1 else {
            throw GoldenError(description: "golden.json is of schema \(schema); this self-test reads 1.")
        }
    }
}

/// Where an image of a stored size goes in the model's input. Sizes are [width, height], rectangles [left, top, width,
/// height], pixels [x, y].
public struct GeometryCase: Decodable, Sendable {
    public let width: Int
    public let height: Int
    public let fit: String
    public let orientation: Int
    public let upright: [Int]
    public let source: [Int]
    public let model: [Int]
    /// Where the stored image's pixels (0, 0) and (1, 0) are when it is upright.
    public let first: [Int]
    public let second: [Int]
}

/// A table of numbers, row by row, at one size and at another.
public struct ResizeCase: Decodable, Sendable {
    public let from: [Int]
    public let to: [Int]
    public let values: [Double]
    public let resized: [Double]
}

/// A golden sample that is not whole, in one sentence.
public struct GoldenError: LocalizedError {
    public let description: String
    public var errorDescription: String? { description }
}

/// Little-endian 32-bit floats, whatever the machine is.
func floats(_ data: Data) -> [Float] {
    let bytes = [UInt8](data)
    return stride(from: 0, to: bytes.count - 3, by: 4).map { start in
        let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
        return Float(bitPattern: bits)
    }
}
