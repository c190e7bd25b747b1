"""What a program of a model would need on chips that are described and not there: memory, work, traffic, time.

The real TPU compiler, from the pip package libtpu, compiles for a named topology on any machine.
"""

from jaxformers.compiling.programs import Program, program
from jaxformers.compiling.report import Report, compile_for
from jaxformers.compiling.topologies import topology

__all__ = ["Program", "Report", "compile_for", "program", "topology"]
