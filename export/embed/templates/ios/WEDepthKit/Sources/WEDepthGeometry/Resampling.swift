/// What letterbox puts beside the image, in each channel.
private let grey: UInt8 = 128

/// An image as the model's input: RGB of the model's size, row by row.
///
/// - Parameters:
///   - bytes: the image's memory, which `layout` describes, upright.
///   - placement: of an image of the layout's size.
public func resampled(_ bytes: UnsafeRawBufferPointer, layout: PixelLayout, placement: Placement) -> [UInt8] {
    let (source, target) = (placement.source, placement.target)
    let columns = taps(from: source.width, to: target.width)
    let rows = taps(from: source.height, to: target.height)
    let channels = [layout.red, layout.green, layout.blue]

    // First along rows, then along columns.
    var narrow = [Double](repeating: 0, count: 3 * source.height * target.width)
    narrow.withUnsafeMutableBufferPointer { narrow in
        for y in 0..<source.height {
            let row = layout.origin + (source.top + y) * layout.rowStep + source.left * layout.columnStep
            for (x, tap) in columns.enumerated() {
                let start = row + tap.first * layout.columnStep
                for channel in 0..<3 {
                    var sum = 0.0
                    var offset = start + channels[channel]
                    for weight in tap.weights {
                        sum += weight * Double(bytes[offset])
                        offset += layout.columnStep
                    }
                    narrow[3 * (y * target.width + x) + channel] = sum
                }
            }
        }
    }

    let model = placement.modelSize
    var pixels = [UInt8](repeating: grey, count: 3 * model.width * model.height)
    let width = 3 * target.width
    narrow.withUnsafeBufferPointer { narrow in
        for (y, tap) in rows.enumerated() {
            let start = 3 * ((target.top + y) * model.width + target.left)
            for x in 0..<width {
                let value = weighted(narrow, tap, from: x, step: width)
                pixels[start + x] = UInt8((value + 0.5).rounded(.down))
            }
        }
    }
    return pixels
}

/// The model's depth as that of the upright image: metres are not changed, and are NaN where a crop left the image out.
public func restored(_ depth: [Float], placement: Placement) -> DepthMap {
    let (source, target) = (placement.source, placement.target)
    let columns = taps(from: target.width, to: source.width)
    let rows = taps(from: target.height, to: source.height)
    let modelWidth = placement.modelSize.width

    var wide = [Double](repeating: 0, count: target.height * source.width)
    depth.withUnsafeBufferPointer { depth in
        for y in 0..<target.height {
            let row = (target.top + y) * modelWidth + target.left
            for (x, tap) in columns.enumerated() {
                wide[y * source.width + x] = weighted(depth, tap, from: row, step: 1)
            }
        }
    }

    let image = placement.imageSize
    var metres = [Float](repeating: .nan, count: image.width * image.height)
    wide.withUnsafeBufferPointer { wide in
        for (y, tap) in rows.enumerated() {
            let start = (source.top + y) * image.width + source.left
            for x in 0..<source.width {
                metres[start + x] = Float(weighted(wide, tap, from: x, step: source.width))
            }
        }
    }
    return DepthMap(width: image.width, height: image.height, metres: metres)
}

/// What old pixels count for a new one: from `first` on, `weights`, which sum to 1.
private struct Tap {
    let first: Int
    let weights: [Double]
}

/// Bilinear with half-pixel centres. Where a side shrinks, the triangle is as wide as the step between the new pixels,
/// so that every old one counts.
private func taps(from old: Int, to new: Int) -> [Tap] {
    let step = Double(old) / Double(new)
    let radius = max(1, step)
    return (0..<new).map { index in
        let centre = (Double(index) + 0.5) * Double(old) / Double(new)
        let first = max(0, Int((centre - radius - 0.5).rounded(.up)))
        let last = min(old - 1, Int((centre + radius - 0.5).rounded(.down)))
        let raw = (first...last).map { max(0, 1 - abs(Double($0) + 0.5 - centre) / radius) }
        let sum = raw.reduce(0, +)
        return Tap(first: first, weights: raw.map { $0 / sum })
    }
}

private func weighted(_ values: UnsafeBufferPointer<Double>, _ tap: Tap, from start: Int, step: Int) -> Double {
    var sum = 0.0
    var index = start + tap.first * step
    for weight in tap.weights {
        sum += weight * values[index]
        index += step
    }
    return sum
}

private func weighted(_ values: UnsafeBufferPointer<Float>, _ tap: Tap, from start: Int, step: Int) -> Double {
    var sum = 0.0
    var index = start + tap.first * step
    for weight in tap.weights {
        sum += weight * Double(values[index])
        index += step
    }
    return sum
}
