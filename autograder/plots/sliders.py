"""Sliders that redraw a picture."""

from __future__ import annotations

from collections.abc import Callable

from autograder.kernel import is_watched


def sliders(show: Callable[..., None], **ranges: tuple[float, float, float, float]) -> None:
    """Call `show` with numbers from sliders, each given as (minimum, maximum, step, first value).

    Without ipywidgets, or while a notebook is built or graded, it shows one picture, for the first
    values.
    """
    first = {name: value for name, (_, _, _, value) in ranges.items()}
    try:
        import ipywidgets
        from IPython.display import display
    except ImportError:
        show(**first)
        return
    if not is_watched():
        show(**first)
        return
    controls = {}
    for name, (least, most, step, value) in ranges.items():
        whole = all(isinstance(number, int) for number in (least, most, step, value))
        kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
        controls[name] = kind(
            value=value, min=least, max=most, step=step, description=name, continuous_update=False
        )
    output = ipywidgets.Output()

    def draw(change: object = None) -> Exception | None:
        output.clear_output(wait=True)
        with output:  # receives what is drawn and printed
            try:
                show(**{name: control.value for name, control in controls.items()})
            except Exception as error:
                print(f"{type(error).__name__}: {error}")
                return error
        return None

    error = draw()
    if error is not None:  # so that `needs`, around the sliders, can say what is missing
        raise error
    for control in controls.values():
        control.observe(draw, names="value")
    display(ipywidgets.VBox([*controls.values(), output]))
