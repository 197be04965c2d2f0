"""archsweep: does every Hugging Face architecture run, correctly and fast, on the hardware you have?"""

__version__ = "0.1.0"
