package org.wedepth

/** What can be expected to go wrong, in one sentence for people. */
class DepthException(sentence: String, cause: Throwable? = null) : Exception(sentence, cause)
