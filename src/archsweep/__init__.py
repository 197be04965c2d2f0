"""archsweep: does every Hugging Face architecture run, and correctly, on the hardware you have?"""

__version__ = "0.1.0"
