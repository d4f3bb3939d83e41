"""Where samples come from: files, pipes and microphones behind one Source protocol.

Import the module that you need: `capture`, `devices` and `errors` do without numpy, `file` loads
libsndfile, `microphone` and `devices` PortAudio.
"""
