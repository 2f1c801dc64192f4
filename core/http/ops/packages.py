"""The operations of the ops API about packages: look, edit, add, take off sale, arrange."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from sanic import Request

from core import db
from core.audit import Change
from core.http.ops import package_schemas as schemas
from core.http.ops.api import api
from core.http.problems import Problem
from core.ops_tokens import Scope
from core.payments import package_edits, packages
from core.payments.package_edits import Edited, InvalidPackage, NoSuchPackage, PackageExists, PackageWish
from core.payments.packages import Package

_SMALLEST = Decimal("0.0001")


@api.operation("GET", "/packages", answer=schemas.PackageList, tag="packages")
async def list_packages(request: Request) -> schemas.PackageList:
    """What is sold, and what was."""
    del request
    return await _list(await packages.everything(only_active=False))


@api.operation("GET", "/packages/{code}", answer=schemas.Package, problems=(404,), tag="packages")
async def read_package(request: Request, code: str) -> schemas.Package:
    """One package, on sale or off it."""
    del request
    try:
        return _package(await package_edits.find(code))
    except NoSuchPackage as error:
        raise _refused(error) from None


@api.operation(
    "POST",
    "/packages",
    scope=Scope.OPERATE,
    body=schemas.NewPackageBody,
    answer=schemas.EditedPackage,
    tag="packages",
    action="packages.add",
)
async def add_package(request: Request, body: schemas.NewPackageBody, change: Change) -> schemas.EditedPackage:
    """Put a new package on sale, behind the others unless it is given a place."""
    del request, change
    try:
        return _edited(await package_edits.add(body.code, _wish(body)))
    except (InvalidPackage, PackageExists) as error:
        raise _refused(error) from None


@api.operation(
    "POST",
    "/packages/{code}",
    scope=Scope.OPERATE,
    body=schemas.PackageBody,
    answer=schemas.EditedPackage,
    problems=(404,),
    tag="packages",
    action="packages.set",
)
async def edit_package(request: Request, code: str, body: schemas.PackageBody, change: Change) -> schemas.EditedPackage:
    """Change a package. Orders that were made keep their tokens and their price."""
    del request, change
    try:
        return _edited(await package_edits.edit(code, _wish(body)))
    except (InvalidPackage, NoSuchPackage) as error:
        raise _refused(error) from None


@api.operation(
    "POST",
    "/packages/{code}/sale",
    scope=Scope.OPERATE,
    body=schemas.SaleBody,
    answer=schemas.EditedPackage,
    problems=(404,),
    tag="packages",
    action="packages.sale",
)
async def put_on_sale(request: Request, code: str, body: schemas.SaleBody, change: Change) -> schemas.EditedPackage:
    """Put a package on sale or take it off. Orders that were made can be paid all the same."""
    del request, change
    try:
        return _edited(await package_edits.put_on_sale(code, is_active=body.is_active))
    except NoSuchPackage as error:
        raise _refused(error) from None


@api.operation(
    "POST",
    "/package-order",
    scope=Scope.OPERATE,
    body=schemas.OrderBody,
    answer=schemas.PackageList,
    problems=(404,),
    tag="packages",
    action="packages.order",
)
async def arrange_packages(request: Request, body: schemas.OrderBody, change: Change) -> schemas.PackageList:
    """Show some packages first."""
    del request, change
    try:
        return await _list(await package_edits.arrange(body.codes))
    except (InvalidPackage, NoSuchPackage) as error:
        raise _refused(error) from None


def _wish(body: schemas.PackageBody | schemas.NewPackageBody) -> PackageWish:
    return PackageWish(
        title=body.title,
        tokens=body.tokens,
        price_usd=body.price_usd,
        stars=body.stars,
        offers=body.offers,
        is_recurring=body.is_recurring,
        order=body.order,
    )


async def _list(found: list[Package]) -> schemas.PackageList:
    rate = await db.fetch_value("SELECT usd_to_token_rate FROM pricing_settings WHERE id = 1")
    one = Decimal(1) / (rate or Decimal(20))
    return schemas.PackageList(items=[_package(package) for package in found], list_usd_per_token=_rounded(one))


def _package(package: Package) -> schemas.Package:
    return schemas.Package(
        code=package.code,
        title=package.title,
        tokens=package.tokens,
        price_usd=package.price_usd,
        stars=package.stars,
        offers=dict(package.offers),
        is_recurring=package.is_recurring,
        is_active=package.is_active,
        order=package.order,
        usd_per_token=_rounded(package.price_usd / package.tokens),
    )


def _rounded(dollars: Decimal) -> Decimal:
    return dollars.quantize(_SMALLEST, rounding=ROUND_HALF_UP)


def _edited(edited: Edited) -> schemas.EditedPackage:
    return schemas.EditedPackage(
        changed=edited.before != edited.after,
        package=_package(edited.after),
        before=_package(edited.before) if edited.before else None,
    )


def _refused(error: Exception) -> Problem:
    if isinstance(error, InvalidPackage):
        errors = [{"param": name, "message": message} for name, message in error.problems]
        return Problem(422, f"{error}.", code=error.code, extra={"errors": errors})
    if isinstance(error, PackageExists):
        return Problem(409, f"{error}.", code="package_exists")
    assert isinstance(error, NoSuchPackage)
    return Problem(404, f"{error}.", code="unknown_package", extra={"near": error.near})
