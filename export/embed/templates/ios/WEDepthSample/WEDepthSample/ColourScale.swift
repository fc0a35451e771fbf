/// Colours for metres, the same in every frame: from `near` in blue over green to `far` in red.
struct ColourScale {
    /// Red, green, blue and opacity, 0…255.
    typealias Colour = (red: UInt8, green: UInt8, blue: UInt8, alpha: UInt8)

    let near: Float
    let far: Float
    private let colours: [Colour]

    init(near: Float, far: Float) {
        self.near = near
        self.far = far
        colours = (0..<256).map { turbo(firstPosition + (1 - firstPosition) * Float($0) / 255) }
    }

    /// The colour of a depth; what is beyond an end has that end's colour, what is not known none.
    func colour(of metres: Float) -> Colour {
        guard !metres.isNaN else { return (0, 0, 0, 0) }
        let position = min(max((metres - near) / (far - near), 0), 1)
        return colours[Int((position * 255).rounded())]
    }
}

/// The first 7 % of the map are all but black.
private let firstPosition: Float = 0.07

/// Mikhailov's polynomials of the Turbo colour map: red, green and blue in 0…1 of a position in 0…1.
private let polynomials: [[Float]] = [
    [0.13572138, 4.6153926, -42.66032258, 132.13108234, -152.94239396, 59.28637943],
    [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604],
    [0.1066733, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973],
]

private func turbo(_ position: Float) -> ColourScale.Colour {
    let channels = polynomials.map { factors -> UInt8 in
        let value = factors.reversed().reduce(0) { $1 + position * $0 }
        return UInt8(255 * min(max(value, 0), 1))
    }
    return (channels[0], channels[1], channels[2], 255)
}
