"""Where samples come from: files, pipes and microphones behind one Source protocol.

Import the module that you need: `capture`, `spawn`, `devices` and `errors` do without numpy, `file`
loads libsndfile, `devices` PortAudio. A microphone is opened by a process of its own, `capture`.
"""
