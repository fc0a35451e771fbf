// Lets the tests use the wrapper's parts: each line of the file that is named is one thing to do. Files are relative to it.
//
//     fit WIDTH HEIGHT ORIENTATION FIT MODEL-WIDTH MODEL-HEIGHT RGB-IN INPUT-OUT DEPTH-IN METRES-OUT
//     judge DEPTH
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.wedepth.DepthMap
import org.wedepth.Fit
import org.wedepth.Golden
import org.wedepth.Orientation
import org.wedepth.PixelLayout
import org.wedepth.Pixels
import org.wedepth.Placement
import org.wedepth.Size
import org.wedepth.floats
import org.wedepth.resampled
import org.wedepth.restored
import org.wedepth.verdict

fun main(arguments: Array<String>) {
    val tasks = File(arguments[0])
    val golden = Golden.bundled()
    for (line in tasks.readLines()) {
        val words = line.split(" ")
        if (words[0] == "fit") {
            fit(words.drop(1)) { tasks.resolveSibling(it) }
        } else {
            val metres = floats(tasks.resolveSibling(words[1]).readBytes())
            val verdict = golden.verdict(DepthMap(golden.depth.width, golden.depth.height, metres))
            println("${words[1]}\t${verdict.passed}\t${verdict.mistakes.joinToString(",")}\t${verdict.sentence}")
        }
    }
}

private fun fit(words: List<String>, file: (String) -> File) {
    val numbers = words.mapNotNull { it.toIntOrNull() }
    val stored = Pixels(file(words[6]).readBytes(), PixelLayout(numbers[0], numbers[1], 3 * numbers[0], 3))
    val pixels = stored.upright(Orientation.ofExif(numbers[2]))
    val placement = Placement.of(
        Size(pixels.layout.width, pixels.layout.height), Size(numbers[3], numbers[4]), Fit.valueOf(words[3].uppercase())
    )
    file(words[7]).writeBytes(resampled(pixels, placement).map { it.toInt().toByte() }.toByteArray())
    val depth = restored(floats(file(words[8]).readBytes()), placement)
    val bytes = ByteBuffer.allocate(4 * depth.metres.size).order(ByteOrder.LITTLE_ENDIAN)
    depth.metres.forEach { bytes.putFloat(it) }
    file(words[9]).writeBytes(bytes.array())
}
