/// Width and height in pixels.
public struct Size: Equatable, Sendable {
    public let width: Int
    public let height: Int

    public init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }
}

/// A part of an image in whole pixels, from its upper left.
public struct Rectangle: Equatable, Sendable {
    public let left: Int
    public let top: Int
    public let width: Int
    public let height: Int

    public init(left: Int, top: Int, width: Int, height: Int) {
        self.left = left
        self.top = top
        self.width = width
        self.height = height
    }
}

/// How an image comes to the model's aspect ratio.
public enum Fit: String, CaseIterable, Sendable {
    /// The whole image, with grey beside it.
    case letterbox
    /// The largest part of the model's aspect in the middle; there is no depth outside of it.
    case crop
}

/// Which part of the upright image is put where in the model's input. Sizes follow by arithmetic on whole numbers:
/// halves are rounded up, and offsets, half of what is left over, down.
public struct Placement: Equatable, Sendable {
    /// The upright image and the model's input.
    public let imageSize: Size
    public let modelSize: Size
    /// The part of the image that the model sees, and where.
    public let source: Rectangle
    public let target: Rectangle

    init(imageSize: Size, modelSize: Size, source: Rectangle, target: Rectangle) {
        self.imageSize = imageSize
        self.modelSize = modelSize
        self.source = source
        self.target = target
    }

    /// Where an upright image goes in the input of a model.
    public init(image: Size, model: Size, fit: Fit) {
        imageSize = image
        modelSize = model
        let wide = image.width * model.height >= image.height * model.width
        switch fit {
        case .letterbox:
            let width = wide ? model.width : max(1, divided(image.width * model.height, by: image.height))
            let height = wide ? max(1, divided(image.height * model.width, by: image.width)) : model.height
            source = Rectangle(left: 0, top: 0, width: image.width, height: image.height)
            target = centred(width, height, in: model)
        case .crop:
            let width = wide ? max(1, divided(image.height * model.width, by: model.height)) : image.width
            let height = wide ? image.height : max(1, divided(image.width * model.height, by: model.width))
            source = centred(width, height, in: image)
            target = Rectangle(left: 0, top: 0, width: model.width, height: model.height)
        }
    }
}

private func centred(_ width: Int, _ height: Int, in size: Size) -> Rectangle {
    Rectangle(left: (size.width - width) / 2, top: (size.height - height) / 2, width: width, height: height)
}

/// The quotient, rounded, halves up.
private func divided(_ numerator: Int, by denominator: Int) -> Int {
    (2 * numerator + denominator) / (2 * denominator)
}
