"""Products of small matrices in compiled code, with the sums of a block in registers.

A library for linear algebra packs its matrices before it multiplies them, and a call from Python
takes as long as the product of two small matrices. Here a block of up to 6 rows and two vectors of
columns is summed in registers, from matrices that lie in the cache as they are (Goto and van de
Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008). numba has no vectors, so a block
is written in the language of LLVM, the compiler that it uses.

Matrices are given by the address of their first number, and by the numbers from one row to the
next. All numbers are float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from enas_inr.backbones.loops import ENABLED, compiled, inlined

FLOAT_BYTES = 4
TALL, LOW = 6, 3  # rows of a block: 12 sums, 2 vectors and a factor fit into 16 registers


def _lanes() -> int:
    """Return the number of floats in a vector of this machine."""
    if not ENABLED:
        return 8
    from llvmlite import binding

    return 16 if binding.get_host_cpu_features().get("avx512f") else 8


LANES = _lanes()
"""A row of a matrix that is read or written by vectors has a multiple of this many floats."""
PAIR = 2 * LANES


@compiled
def padded(columns: int) -> int:
    """Return the floats in a row with that many columns, and what is left of the last vector."""
    return (columns + LANES - 1) // LANES * LANES


def _block_of_sums() -> Any:
    """Return the function of compiled code that computes one block of `multiply_add_`."""
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    number, integer = ir.FloatType(), ir.IntType(64)
    vector, lane = ir.VectorType(number, LANES), ir.IntType(32)
    fused = ("contract",)  # allows the instruction that multiplies and adds

    def build(rows: int, vectors: int, builder: Any, arguments: Any) -> None:
        a, a_row, a_next, b, b_next, start, start_row, out, out_row, count = arguments
        places = [(row, column) for row in range(rows) for column in range(vectors)]

        def at(base: Any, stride: Any, times: Any, kind: Any, floats: int = 0) -> Any:
            steps = builder.add(builder.mul(stride, times), ir.Constant(integer, floats))
            place = builder.add(base, builder.mul(steps, ir.Constant(integer, FLOAT_BYTES)))
            return builder.inttoptr(place, kind.as_pointer())

        def vector_at(base: Any, stride: Any, row: int, column: int) -> Any:
            return at(base, stride, ir.Constant(integer, row), vector, column * LANES)

        def number_at(base: Any, stride: Any, row: int) -> Any:
            return at(base, stride, ir.Constant(integer, row), number)

        def load(pointer: Any) -> Any:
            return builder.load(pointer, align=FLOAT_BYTES)

        def spread(value: Any) -> Any:
            nothing = ir.Constant(vector, ir.Undefined)
            first = builder.insert_element(nothing, value, ir.Constant(lane, 0))
            zeros = ir.Constant(ir.VectorType(lane, LANES), [0] * LANES)
            return builder.shuffle_vector(first, nothing, zeros)

        begin = {place: load(vector_at(start, start_row, *place)) for place in places}
        before, loop = builder.block, builder.append_basic_block("loop")
        builder.branch(loop)
        builder.position_at_end(loop)
        index = builder.phi(integer)
        sums = {place: builder.phi(vector) for place in places}
        left = builder.ptrtoint(at(a, a_next, index, number), integer)
        right = builder.ptrtoint(at(b, b_next, index, number), integer)
        columns = [load(vector_at(right, b_next, 0, column)) for column in range(vectors)]
        factors = [spread(load(number_at(left, a_row, row))) for row in range(rows)]
        totals = {
            (row, column): builder.fadd(
                total, builder.fmul(factors[row], columns[column], flags=fused), flags=fused
            )
            for (row, column), total in sums.items()
        }
        following = builder.add(index, ir.Constant(integer, 1))
        index.add_incoming(ir.Constant(integer, 0), before)
        index.add_incoming(following, loop)
        for place, total in sums.items():
            total.add_incoming(begin[place], before)
            total.add_incoming(totals[place], loop)
        end = builder.append_basic_block("end")
        builder.cbranch(builder.icmp_signed("<", following, count), loop, end)
        builder.position_at_end(end)
        for place, total in totals.items():
            builder.store(total, vector_at(out, out_row, *place), align=FLOAT_BYTES)

    @intrinsic(prefer_literal=True)
    def block_of_sums(typing: Any, rows: Any, vectors: Any, matrices: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            from numba.core import cgutils

            build(
                rows.literal_value,
                vectors.literal_value,
                builder,
                cgutils.unpack_tuple(builder, arguments[2]),  # type: ignore[no-untyped-call]
            )
            return context.get_dummy_value()

        numbers = types.UniTuple(types.int64, 10)  # type: ignore[no-untyped-call]
        return types.void(rows, vectors, numbers), generate

    return block_of_sums


_block_of_sums_: Any = _block_of_sums() if ENABLED else None


@inlined
def _strip_(rows: int, wide: Any, matrices: Any) -> None:
    """Compute a block of that many rows, and of two vectors of columns if it is wide."""
    if wide:
        _block_of_sums_(rows, 2, matrices)
    else:
        _block_of_sums_(rows, 1, matrices)


@compiled
def _multiply_add_(
    a: np.int64,
    a_row: np.int64,
    a_next: np.int64,
    b: np.int64,
    b_next: np.int64,
    start: np.int64,
    start_row: np.int64,
    out: np.int64,
    out_row: np.int64,
    rows: np.int64,
    columns: np.int64,
    count: np.int64,
) -> None:
    for column in range(0, columns, PAIR):
        wide = columns - column >= PAIR
        row = 0
        while row < rows:
            matrices = (
                a + FLOAT_BYTES * row * a_row,
                a_row,
                a_next,
                b + FLOAT_BYTES * column,
                b_next,
                start + FLOAT_BYTES * (row * start_row + column),
                start_row,
                out + FLOAT_BYTES * (row * out_row + column),
                out_row,
                count,
            )
            left = rows - row
            if left >= TALL:
                _strip_(TALL, wide, matrices)
                row += TALL
            elif left >= LOW:
                _strip_(LOW, wide, matrices)
                row += LOW
            else:
                _strip_(1, wide, matrices)
                row += 1


@inlined
def multiply_add_(
    a: int,
    a_row: int,
    a_next: int,
    b: int,
    b_next: int,
    start: int,
    start_row: int,
    out: int,
    out_row: int,
    rows: int,
    columns: int,
    count: int,
) -> None:
    """Compute `out = start + a b`. The sum of a number does not depend on the other numbers.

    Args:
        a: address of a matrix `rows count`.
        a_row: floats from one of its rows to the next.
        a_next: floats from one number of a row to the next.
        b: address of a matrix `count columns`, whose rows are contiguous.
        b_next: floats from one of its rows to the next.
        start: address of a matrix `rows columns`; it may be `out`.
        start_row: floats from one of its rows to the next; 0 for the same row each time.
        out: address of a matrix `rows columns`, which is overwritten.
        out_row: floats from one of its rows to the next.
        rows: number of rows.
        columns: number of columns, a multiple of `LANES`.
        count: number of products in a sum, at least 1.
    """
    # With the same types at all calls, it is compiled once.
    _multiply_add_(
        np.int64(a),
        np.int64(a_row),
        np.int64(a_next),
        np.int64(b),
        np.int64(b_next),
        np.int64(start),
        np.int64(start_row),
        np.int64(out),
        np.int64(out_row),
        np.int64(rows),
        np.int64(columns),
        np.int64(count),
    )
