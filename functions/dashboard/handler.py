"""The function behind the dashboard's custom widgets: CloudWatch's event in, HTML out."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.api.http_responses import service_logger
from route_switch.dashboard.views import DOCUMENTATION, UNAVAILABLE
from route_switch.domain.errors import RouteSwitchError, describe_defect
from route_switch.wiring.dashboard import views

logger = service_logger("dashboard")


def lambda_handler(event: dict[str, object], _context: LambdaContext) -> str:
    """Return a view as HTML, or the documentation as Markdown if the event asks to `describe`.

    The widget's parameters are fields of the event.
    """
    if event.get("describe"):
        return DOCUMENTATION
    try:
        return views()(str(event.get("view")), datetime.now(UTC).date())
    except RouteSwitchError as error:
        logger.error(str(error), kind=type(error).__name__)
    except Exception as error:
        logger.error(describe_defect(error))
    return UNAVAILABLE
