import Foundation
import WEDepthGeometry

/// Whether depth is the golden depth, and if not, which mistakes would look like it.
public struct Verdict: Equatable, Sendable {
    public let passed: Bool
    /// Names of the mistakes that come nearest, the nearest first; empty if it passed, or if it is none of them.
    public let mistakes: [String]
    /// All of it in words.
    public let sentence: String

    init(sentence: String, passed: Bool = false, mistakes: [String] = []) {
        self.passed = passed
        self.mistakes = mistakes
        self.sentence = sentence
    }
}

extension Golden {
    /// What is to be said of the depth that an integration gives for the golden image.
    public func verdict(on depth: DepthMap) -> Verdict {
        guard (depth.width, depth.height) == (facts.width, facts.height) else {
            return Verdict(
                sentence: "The depth map has \(depth.width)×\(depth.height) pixels and the golden image "
                    + "\(facts.width)×\(facts.height), as where it is turned by 90°.",
                mistakes: ["rotated"])
        }
        guard depth.metres.allSatisfy(\.isFinite) else {
            return Verdict(sentence: "The depth has values that are not numbers.")
        }
        let quotients = zip(depth.metres, self.depth.metres).map { Double($0) / Double($1) }
        let mean = quotients.map { abs($0 - 1) }.reduce(0, +) / Double(quotients.count)
        let largest = quotients.map { abs($0 - 1) }.max() ?? 0
        return verdict(mean: mean, largest: largest, median: quotients.sorted()[quotients.count / 2])
    }

    private func verdict(mean: Double, largest: Double, median: Double) -> Verdict {
        let bounds = facts.tolerance
        if mean <= bounds.meanRel {
            guard let bound = bounds.maxRel, largest > bound else {
                return Verdict(
                    sentence: "The depth is right: the mean relative difference is \(number(mean)), and "
                        + "\(number(bounds.meanRel)) is the tolerance.",
                    passed: true)
            }
            return Verdict(
                sentence:
                    "The relative difference is \(number(largest)) at one pixel; \(number(bound)) is the tolerance.")
        }
        let off = "The mean relative difference is \(number(mean)); \(number(bounds.meanRel)) is the tolerance."
        let nearest = nearestMistakes(to: mean)
        let named = nearest.compactMap { facts.mistakes[$0] }
        guard let first = named.first else { return Verdict(sentence: off) }
        return Verdict(
            sentence: "\(off) \(number(first.meanRel)) is what it is where "
                + named.map(\.words).joined(separator: "; or where ")
                + ". At the median depth is \(number(median)) times what it should be.",
            mistakes: nearest)
    }

    /// The mistakes whose mean relative difference comes nearest to `mean`: several, where it cannot tell them apart.
    private func nearestMistakes(to mean: Double) -> [String] {
        let distances = facts.mistakes.map { (name: $0.key, distance: abs(log(mean / $0.value.meanRel))) }
            .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
        guard let least = distances.first?.distance else { return [] }
        return distances.prefix { $0.distance <= least + log(alike) }.map(\.name)
    }
}

/// How much farther off than the nearest mistake another may be and still be named.
private let alike = 1.15

/// Two significant digits.
private func number(_ value: Double) -> String {
    guard value != 0, value.isFinite else { return "\(value)" }
    let digits = max(0, 1 - Int(floor(log10(abs(value)))))
    return String(format: "%.\(digits)f", value)
}
